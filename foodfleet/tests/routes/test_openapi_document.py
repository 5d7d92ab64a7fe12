"""The OpenAPI document has, for every operation, what readers and generators of clients need."""

import re

import openapi_spec_validator
import pytest
import yaml
from django.core.management import call_command
from django.urls import path as route
from drf_spectacular.generators import SchemaGenerator
from openapi_schema_validator import OAS30ReadValidator, OAS30Validator, OAS30WriteValidator
from rest_framework.generics import GenericAPIView

from foodfleet.core.http import serializers
from foodfleet.modules import registry
from foodfleet.openapi.document import SPECTACULAR_SETTINGS
from foodfleet.openapi.examples import BODIES
from foodfleet.openapi.operations import OPERATIONS, call_of
from foodfleet.tests import described_answers
from foodfleet.urls import urlpatterns

pytestmark = [pytest.mark.django_db, pytest.mark.once]

CAMEL_CASE = re.compile(r"[a-z][a-z0-9]*([A-Z][a-z0-9]*)*")


@pytest.fixture
def document(api):
    """The document, as the API serves it."""
    return api.get("/api/v1/schema/?format=json").json()


@pytest.fixture
def operations(document):
    """Each operation by its name in OPERATIONS."""
    return {
        call_of(method, address): operation
        for address, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_generating_the_document_gives_no_warning(tmp_path):
    call_command("spectacular", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))


def codes_of(document, operation):
    """The codes of the errors of each status."""
    shared, found = document["components"], {}
    for status, answer in operation["responses"].items():
        if name := answer.get("$ref", "").rpartition("/")[2]:
            examples = shared["responses"][name]["content"]["application/json"]["examples"]
            found[status] = {shared["examples"][example]["value"]["code"] for example in examples}
    return found


def test_roles_of_a_user_are_described_as_a_page(document):
    answer = document["paths"]["/api/v1/users/{user_id}/roles/"]["get"]["responses"]["200"]
    assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/PaginatedAssignmentList")


def test_every_operation_has_a_name_a_title_and_a_described_tag(document, operations):
    named = {call for calls_of_tag in OPERATIONS.values() for call in calls_of_tag}
    assert named <= operations.keys(), "foodfleet/openapi/operations.py names operations that are gone"
    assert len({operation["operationId"] for operation in operations.values()}) == len(operations)
    of_modules = {str(module.verbose_name) for module in registry.installed()}
    unnamed = sorted(call for call in operations.keys() - named if not of_modules & {*operations[call]["tags"]})
    assert not unnamed, f"add them to foodfleet/openapi/operations.py: {unnamed}"
    assert [tag["name"] for tag in document["tags"]][: len(OPERATIONS)] == list(OPERATIONS)


class FieldsOfAModule(serializers.Serializer):
    """Fields named as those of the product that are enums, with other choices."""

    channel, encoding, kind, language, method, methods, status, type = (
        serializers.ChoiceField(choices=["parked", "on the road"]) for _ in range(8)
    )


class ViewOfAModule(GenericAPIView):
    serializer_class = FieldsOfAModule

    def post(self, request):
        """Do nothing."""


def enums_of(patterns):
    schemas = SchemaGenerator(patterns=patterns).get_schema(request=None, public=True)["components"]["schemas"]
    return {name: schema["enum"] for name, schema in schemas.items() if "enum" in schema}


def test_the_fields_of_a_module_rename_no_enum_of_the_product():
    product = enums_of(urlpatterns)
    unpinned = product.keys() - SPECTACULAR_SETTINGS["ENUM_NAME_OVERRIDES"].keys() - {"BlankEnum", "NullEnum"}
    assert not unpinned, "pin these in ENUM_NAME_OVERRIDES of foodfleet/openapi/document.py"
    assert product.items() <= enums_of([*urlpatterns, route("api/v1/zoo/", ViewOfAModule.as_view())]).items()


def test_every_operation_is_described_well_enough_for_a_client(document, operations):
    said = []
    for call, operation in operations.items():
        wrong = {
            "its operation id is not in camelCase": not CAMEL_CASE.fullmatch(operation["operationId"]),
            "its method has no docstring": not operation.get("description", "").partition("Permission:")[0].strip(),
            "it has no title or tag": not (operation["summary"] and operation["tags"]),
            "it has no 2xx": not any(status.startswith("2") for status in operation["responses"]),
            "an error has no code": not all(codes_of(document, operation).values()),
            "an answer has no X-Request-ID": not all(
                "X-Request-ID" in answer["headers"] for answer in operation["responses"].values() if "headers" in answer
            ),
        }
        said += [f"{call}: {problem}" for problem, is_wrong in wrong.items() if is_wrong]
    assert not said, "\n".join(said)


def test_every_error_is_described_with_its_form_headers_and_an_example(document):
    shared = document["components"]
    assert {"Error422Validation", "Error429Throttled"} <= shared["responses"].keys()
    for name, answer in shared["responses"].items():
        content = answer["content"]["application/json"]
        assert content["schema"]["$ref"] == "#/components/schemas/Error"
        assert content["examples"]
        assert "X-Request-ID" in answer["headers"]
        assert ("Retry-After" in answer["headers"]) == bool(re.search("Error(429|503)|AccountLocked", name)), name
    for example in shared["examples"].values():
        assert example["value"].keys() == {"error", "code", "details", "request_id"}


@pytest.mark.parametrize(("call", "expected"), [
    ("POST auth/login/", {"401": {"invalid_credentials", "account_locked"}, "403": {"email_not_verified"},
                          "422": {"validation_error"}, "429": {"throttled"}, "415": {"unsupported_media_type"}}),
    ("POST auth/password/change/", {"401": {"not_authenticated", "invalid_token", "invalid_credentials",
                                            "account_locked"},
                                    "403": {"fresh_proof_required", "address_not_allowed", "insufficient_permissions"},
                                    "422": {"validation_error", "weak_password", "password_reused"}}),
    ("GET users/{id}/", {"403": {"insufficient_permissions", "password_change_required", "two_factor_required",
                                 "address_not_allowed"}, "404": {"user_not_found"}}),
    ("DELETE auth/2fa/browsers/{browser_id}/", {"404": {"not_found"}}),
])  # fmt: skip
def test_codes_follow_from_declarations_of_the_view_and_its_service(document, operations, call, expected):
    found = codes_of(document, operations[call])
    assert {status: found[status] for status in expected} == expected
    assert ("404" in found) == ("404" in expected)


def test_the_document_is_valid(document):
    openapi_spec_validator.validate(document)


def bodies_with_examples(document):
    """Each body with examples of its own: where it is, its schema and its examples."""
    for address, methods in document["paths"].items():
        for method, operation in methods.items():
            for part, holder in {"request": operation.get("requestBody", {}), **operation["responses"]}.items():
                for content in holder.get("content", {}).values():
                    if "examples" in content:
                        values = [one["value"] for one in content["examples"].values()]
                        yield call_of(method, address), part, content["schema"], values


def test_every_example_fits_its_schema(document):
    def fits(value, schema, validator_class=OAS30Validator):
        return validator_class({**schema, "components": document["components"]}).is_valid(value)

    properties = {
        f"{component}.{name}": described
        for component, schema in document["components"]["schemas"].items()
        for name, described in schema.get("properties", {}).items()
        if "example" in described
    }
    assert not [name for name, described in properties.items() if not fits(described["example"], described)]
    bodies = list(bodies_with_examples(document))
    assert {call for call, *_ in bodies} == BODIES.keys()
    wrong = [
        (call, part)
        for call, part, schema, values in bodies
        for value in values
        if not fits(value, schema, OAS30WriteValidator if part == "request" else OAS30ReadValidator)
    ]
    assert not wrong


@pytest.mark.parametrize("component", [
    "LoginRequest", "RegisterRequest", "SignedIn", "Challenge", "RefreshInRequest", "Tokens", "Me", "DirectoryUser",
    "UserCreateRequest", "AssignmentCreateRequest", "Assignment", "SendEmailRequest", "SendSmsRequest", "Message",
    "PaginatedDirectoryUserList", "ApiKeyCreateRequest", "CreatedKey", "ServiceAccount", "Role",
])  # fmt: skip
def test_important_bodies_have_realistic_values(document, component):
    described = document["components"]["schemas"][component]["properties"]
    said = {"example", "enum", "$ref", "allOf", "oneOf"}
    without = [
        name
        for name, schema in described.items()
        if not said & schema.keys() and schema.get("type") in {"string", "integer"} and "default" not in schema
    ]
    assert not without, "add them to VALUES in foodfleet/openapi/examples.py"


def test_an_operation_names_the_permission_that_it_requires(operations):
    assert operations["GET users/"]["description"].endswith("Permission: `users:read`.")
    assert "Permission:" not in operations["GET users/me/"]["description"]


def test_a_test_fails_for_an_answer_that_no_document_has(api, user, monkeypatch):
    described = described_answers.described_answers()
    call, address = ("POST", "/api/v1/auth/login/"), "/api/v1/auth/login/"
    monkeypatch.setitem(described, call, described[call] - {("401", "invalid_credentials")})
    api.post(address, {"email": "ann@example.com", "password": "Wrong-Password-1!"})
    assert described_answers.undescribed == ["POST /api/v1/auth/login/ answered 401 invalid_credentials"]
    described_answers.undescribed.clear()


def test_the_document_is_served_in_each_format_and_language_asked_for(api):
    german = api.get("/api/v1/schema/?format=json&lang=de")
    assert german["Content-Type"] == "application/vnd.oai.openapi+json"
    assert german.json() != api.get("/api/v1/schema/?format=json&lang=nowhere").json()
    assert yaml.safe_load(api.get("/api/v1/schema/?lang=de").content)["info"] == german.json()["info"]


def test_the_document_is_generated_once_in_a_process(api, monkeypatch):
    first = api.get("/api/v1/schema/").content
    monkeypatch.setattr(SchemaGenerator, "get_schema", None)
    assert api.get("/api/v1/schema/?version=2").content == first
