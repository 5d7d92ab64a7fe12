"""Output with fields that are built once equals that of the REST framework's own serializers."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from rest_framework import serializers as drf

from accounts.api.serializers.users import MeSerializer, UserSerializer
from accounts.models import User
from foodfleet.core.http import serializers

pytestmark = pytest.mark.once
KEY = UUID("6f8f0d1e-8d7e-4f5a-9d35-2f4b7d0c7f00")


@dataclass
class Part:
    name: str
    secret: str = "hidden"


@dataclass
class Thing:
    name: Any = "Salt"
    number: Any = 7
    is_hot: Any = True
    at: Any = datetime(2026, 11, 27, 8, 30, 0, 5000, UTC)
    key: Any = KEY
    part: Any = None

    def shout(self) -> str:
        return "SALT"


class PartSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    secret = serializers.CharField(write_only=True)


class ThingSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    number = serializers.IntegerField()
    is_hot = serializers.BooleanField()
    at = serializers.DateTimeField()
    key = serializers.UUIDField()
    part = PartSerializer()
    part_name = serializers.CharField(source="part.name", read_only=True)
    loud = serializers.CharField(source="shout", read_only=True)
    kind = serializers.CharField(default="spice")
    absent = serializers.CharField(read_only=True)
    mine = serializers.SerializerMethodField()

    def get_mine(self, thing):
        return self.context.get("mine")


def as_the_framework_does(serializer, row):
    return drf.Serializer.to_representation(serializer, row)


@pytest.mark.parametrize("thing", [
    Thing(part=Part("grain")),
    Thing(part=Part("grain"), name=None, number=None, is_hot=None, at=None, key=None),
    Thing(part=Part("grain"), number="12", is_hot=False, name=5),
    Thing(part=Part("grain"), at=datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))),
    {"name": "a", "number": 1, "is_hot": True, "at": None, "key": None, "part": {"name": "b"}, "shout": "c"},
])  # fmt: skip
def test_a_value_is_written_as_the_rest_framework_writes_it(thing):
    serializer = ThingSerializer(context={"mine": "yes"})
    written = serializer.to_representation(thing)
    assert written == as_the_framework_does(serializer, thing)
    assert written["mine"] == "yes"
    assert list(written) == list(as_the_framework_does(serializer, thing))


def test_many_rows_are_written_with_their_own_context():
    rows = [Thing(part=Part("one")), Thing(part=Part("two"))]
    first = ThingSerializer(rows, many=True, context={"mine": 1}).data
    second = ThingSerializer(rows, many=True, context={"mine": 2}).data
    assert [row["mine"] for row in (*first, *second)] == [1, 1, 2, 2]


def test_an_attribute_that_raises_a_bug_is_not_hidden():
    class Broken(Thing):
        @property
        def number(self):
            raise ZeroDivisionError

        @number.setter
        def number(self, value):
            pass

    with pytest.raises(ZeroDivisionError):
        ThingSerializer().to_representation(Broken(part=Part("one")))


def test_fields_are_not_built_for_output(monkeypatch):
    row = User(pk=1, email="ann@example.com", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    expected = UserSerializer(row).data
    monkeypatch.setattr(drf.ModelSerializer, "get_fields", lambda serializer: pytest.fail("built again"))
    assert UserSerializer(row).data == expected


def test_a_user_is_written_as_the_rest_framework_writes_it(user):
    for serializer in (UserSerializer(user), MeSerializer(user)):
        assert dict(serializer.data) == as_the_framework_does(serializer, user)
