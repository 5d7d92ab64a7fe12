"""A pytest plugin: every answer that any test gets from the API has to be in the OpenAPI document.

A middleware compares the status of each answer, and the code of each error, with what the operation declares; the test
in which another one was answered fails.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from threading import Lock
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.generators import SchemaGenerator

from foodfleet.tests.routes.endpoints import plain

# Answers that no operation has of its own: another method, a slow or chunked body, cookies that are too long.
OF_ANY_ADDRESS = frozenset({405, 408, 411, 431})
undescribed: list[str] = []
# drf-spectacular registers classes while it generates a document, which fails where threads do it at once.
_one_thread = Lock()


def pytest_configure() -> None:
    """Put the middleware around all others."""
    from django.conf import settings

    settings.MIDDLEWARE.insert(0, f"{__name__}.DescribedAnswersMiddleware")


@pytest.fixture(autouse=True)
def _answers_are_described() -> Iterator[None]:
    """Fail the test in which the API answered what its document does not have."""
    undescribed.clear()
    yield
    found = sorted(set(undescribed))
    assert not found, "Add the exception to @raises(...) of the view (CONTRIBUTING.md):\n" + "\n".join(found)


class DescribedAnswersMiddleware:
    """Collects the answers that the document does not have."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        with _one_thread:
            operation = operation_of(request)
        if operation is not None and response.status_code not in OF_ANY_ADDRESS:
            described = described_answers()[operation]
            answer = (str(response.status_code), code_of(response))
            if answer not in described:
                undescribed.append(f"{' '.join(operation)} answered {' '.join(answer)}")
        return response


def operation_of(request: HttpRequest) -> tuple[str, str] | None:
    """Method and path of the operation that a request calls; None for what is not in the document."""
    match = request.resolver_match
    if match is None or not request.path_info.startswith("/api/"):
        return None
    operation = (request.method or "", f"/{plain(match.route)}")
    name_free = (operation[0], re.sub(r"<\w+>", "{}", operation[1]))
    return name_free if name_free in described_answers() else None


def code_of(response: HttpResponseBase) -> str:
    """The code of an error, '' for any other answer."""
    if response.status_code < 400:
        return ""
    return str(json.loads(getattr(response, "content", b"{}")).get("code", ""))


@cache
def described_answers() -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Each operation's answers: status, and code of the error or ''."""
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    components = document["components"]
    answers: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            key = (method.upper(), re.sub(r"\{\w+\}", "{}", path))
            answers[key] = set()
            for status, answer in operation["responses"].items():
                name = answer.get("$ref", "").rpartition("/")[2]
                examples = components["responses"][name]["content"]["application/json"]["examples"] if name else [""]
                codes = [components["examples"][one]["value"]["code"] if one else "" for one in examples]
                answers[key] |= {(status, code) for code in codes}
    return answers
