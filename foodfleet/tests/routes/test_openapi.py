"""The API does what the OpenAPI document says: generated valid and invalid requests."""

import json

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core import NOT_SET
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from foodfleet.wsgi import application

pytestmark = [pytest.mark.django_db, pytest.mark.once]

EXAMPLES = 2  # of each operation and kind of request
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
# What the REST framework and our own fields say of a value of the wrong shape.
SHAPE = frozenset({
    "required", "null", "blank", "invalid", "max_length", "min_length", "max_value", "min_value", "max_string_length",
    "invalid_choice", "not_a_list", "not_a_dict", "empty", "not_found",
})  # fmt: skip
# Formats of which only the server knows all: for these any value that is one will do.
schemathesis.openapi.format("cursor", st.just(""))
schemathesis.openapi.format("binary", st.just(b"email\nbob@example.com\n"))
schemathesis.openapi.format("mailbox", st.sampled_from(["ann@example.com", "Ann <ann@example.com>"]))
schemathesis.openapi.format("webhook-url", st.just("https://hooks.example.com/in"))
schemathesis.openapi.format("phone", st.sampled_from(["+4915123456789", "+12025550134"]))
# Each run makes the same requests: what it says is the same for everybody.
FIXED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(params=["nobody", "a superuser"])
def caller(request, make_user, sign_in):
    """Headers of the caller."""
    if request.param == "nobody":
        return {}
    make_user("caller@example.com", is_superuser=True, is_staff=True)
    return {"Authorization": f"Bearer {sign_in('caller@example.com')['access']}"}


@pytest.fixture
def document(caller):
    """The document, as the API serves it.

    Requests run in the test's transaction, as with Django's own client for tests (which `caller` used before).
    """
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/v1/schema/", application)
    for signal in signals:
        signal.connect(close_old_connections)


def is_refused_for_its_shape(case, response):
    """Whether the answer to a request that the document allows calls it malformed, or a field of the wrong shape.

    What only the data can tell (a weak password, a role that is not there) has a code of its own. A NUL in the URL is
    refused wherever it stands.
    """
    if response.status_code not in {400, 422} or repeats_a_parameter(case) or "%00" in response.request.url:
        return False
    body = response.json()
    codes = {one["code"] for errors in body["details"].values() if isinstance(errors, list) for one in errors}
    return body["code"] == "malformed_request" or (body["code"] == "validation_error" and bool(codes & SHAPE))


def repeats_a_parameter(case):
    """Whether a form has a parameter twice, which OAuth forbids and no schema can for parameters of other names."""
    is_form = case.media_type == "application/x-www-form-urlencoded" and isinstance(case.body, dict)
    return is_form and any(isinstance(value, list) for value in case.body.values())


def found(operation, mode, headers):
    """What is wrong with the answers to generated requests, a line each."""
    said = []

    @settings(FIXED, max_examples=EXAMPLES)
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        with transaction.atomic():
            response = case.call(headers=headers)
            transaction.set_rollback(True)
        problems = []
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as failures:
            problems += [f"{failure.title} {failure.message}" for failure in failures.exceptions]
        if mode is GenerationMode.POSITIVE and is_refused_for_its_shape(case, response):
            problems.append("refused, though the document allows it")
        said.extend(f"{operation.label}: {problem}\n{sent(case)}\n{response.text[:500]}" for problem in problems)

    ask()
    return said


def sent(case):
    """What a request said, to look at."""
    body = "" if case.body is NOT_SET else json.dumps(case.body, default=str)[:1500]
    return f"{case.path_parameters} {case.query} {body}"


def test_the_api_does_what_its_document_says(document, caller):
    said = []
    for result in document.get_all_operations():
        operation = result.ok()
        if not caller and "security" in operation.definition.raw:
            continue  # test_every_route.py sends each of these without a token
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                said += found(operation, mode, caller)
            except Unsatisfiable:
                continue  # takes nothing that could be wrong
    assert not said, "\n".join(said)


@pytest.mark.parametrize(("field", "value"), [
    ("first_name", 7), ("first_name", 1.5), ("first_name", True), ("first_name", ["Ann"]), ("email", 7),
    ("is_staff", "yes"), ("is_staff", 1), ("is_staff", "true"), ("is_staff", None), ("language", 7), ("language", True),
])  # fmt: skip
def test_a_value_of_another_type_is_refused_and_not_guessed_at(api, make_user, sign_in, field, value):
    make_user("boss@example.com", is_superuser=True)
    headers = {"Authorization": f"Bearer {sign_in('boss@example.com')['access']}"}
    answer = api.post("/api/v1/users/", {"email": "new@example.com", field: value}, headers=headers)
    assert (answer.status_code, list(answer.json()["details"])) == (422, [field])


@pytest.mark.parametrize("query", ["is_active=1", "is_active=yes", "is_active=True", "locked=0", "ordering="])
def test_a_query_value_of_another_type_is_refused(api, make_user, sign_in, query):
    make_user("boss@example.com", is_superuser=True)
    headers = {"Authorization": f"Bearer {sign_in('boss@example.com')['access']}"}
    assert api.get(f"/api/v1/users/?{query}", headers=headers).status_code == 422
    assert api.get("/api/v1/users/?is_active=true&locked=false", headers=headers).status_code == 200
