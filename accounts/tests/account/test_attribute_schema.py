"""USER_ATTRIBUTES is a schema of attributes, or is named as wrong."""

import pytest

from accounts.services.account import attribute_schema
from accounts.services.account.attribute_schema import InvalidSchemaError
from accounts.states import Audience

pytestmark = pytest.mark.django_db


@pytest.mark.once
@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"type": "array"}, "type must be object"),
        ({"properties": []}, "JSON Schema"),
        ({"properties": {"a": {"type": "nonsense"}}}, "JSON Schema"),
        ({"properties": {"A": {"type": "string"}}}, "lower-case"),
        ({"properties": {"a__b": {"type": "string"}}}, "lower-case"),
        ({"properties": {"a": {}}}, "one type"),
        ({"properties": {"a": True}}, "one type"),
        ({"properties": {"a": {"type": ["string", "null"]}}}, "one type"),
        ({"properties": {"a": {"type": "string", "x-visible": "all"}}}, "x-visible"),
        ({"properties": {"a": {"type": "string", "x-visible": ["owner"]}}}, "x-visible"),
        ({"properties": {"a": {"type": "string", "x-editable": "hidden"}}}, "x-editable"),
        ({"properties": {"a": {"type": "string", "x-visible": "staff", "x-editable": "owner"}}}, "must be visible"),
        ({"properties": {"a": {"type": "string", "x-visible": "hidden", "x-editable": "staff"}}}, "must be visible"),
        ({"properties": {"a": {"type": "string"}}, "required": ["a"]}, "required"),
    ],
)
def test_a_schema_that_cannot_be_used_is_named(settings, document, words):
    settings.USER_ATTRIBUTES = document
    with pytest.raises(InvalidSchemaError, match=words):
        attribute_schema.current()


@pytest.mark.once
@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "7", "7"), ("integer", "7", 7), ("integer", "7.5", "7.5"), ("number", "7.5", 7.5),
        ("number", "nan", "nan"), ("boolean", "YES", True), ("boolean", "f", False), ("boolean", "perhaps", "perhaps"),
        ("array", '["a"]', ["a"]), ("object", "{", "{"),
    ],
)  # fmt: skip
def test_text_becomes_a_value_of_the_attribute_or_stays_text(settings, kind, text, value):
    settings.USER_ATTRIBUTES = {"properties": {"size": {"type": kind}}}
    assert attribute_schema.current().attributes["size"].from_text(text) == value


@pytest.mark.once
def test_the_words_of_the_schema_decide_who_sees_and_changes(settings):
    properties = {
        "shift": {"x-editable": "owner"}, "number": {}, "rating": {"x-visible": "staff", "x-editable": "import"},
        "legacy_id": {"x-visible": "hidden"},
    }  # fmt: skip
    settings.USER_ATTRIBUTES = {"properties": {name: {"type": "string", **more} for name, more in properties.items()}}
    schema = attribute_schema.current()
    assert [one.name for one in schema.visible_to(Audience.OWNER)] == ["shift", "number"]
    assert [one.name for one in schema.editable_by(Audience.OWNER)] == ["shift"]
    assert [one.name for one in schema.visible_to(Audience.STAFF)] == ["shift", "number", "rating"]
    assert [one.name for one in schema.editable_by(Audience.STAFF)] == ["shift", "number"]
