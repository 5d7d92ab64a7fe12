"""The errors of each operation in the OpenAPI document: their codes, examples and headers.

Most follow from the declarations of a view: its access, throttles, path and body. `@raises` names the other exceptions
of its service (foodfleet.core.http.schema).
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils import translation
from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema

from accounts.exceptions import (
    AddressNotAllowedException,
    InvalidSessionTokenException,
    PasswordChangeRequiredException,
    ReauthenticationRequiredException,
    TwoFactorRequiredException,
)
from foodfleet.core.exceptions import (
    BaseAppException,
    DatabaseException,
    ForbiddenException,
    InsufficientPermissionsException,
    MalformedRequestException,
    NotFoundException,
    PayloadTooLargeException,
    ServiceUnavailableException,
    ThrottledException,
    UnauthorizedException,
    ValidationException,
)
from foodfleet.core.http.access import Access, Caller, RequiredAction, access_of
from foodfleet.core.http.errors import CODES_BY_STATUS, envelope
from foodfleet.core.http.request_ids import HEADER as REQUEST_ID
from rbac.api.guards import permission_of

Errors = Iterable[type[BaseAppException]]
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
ENVELOPE = {
    "type": "object",
    "required": ["error", "code", "details", "request_id"],
    "properties": {
        "error": {"type": "string", "description": "A sentence for a person, in the language of `Accept-Language`."},
        "code": {"type": "string", "description": "A stable code for programs."},
        "details": {
            "type": "object",
            "additionalProperties": True,
            "description": "For invalid fields: each field with a list of {message, code}.",
        },
        "request_id": {"type": "string", "description": "As in the header `X-Request-ID`."},
    },
}
HEADERS: dict[str, dict[str, Any]] = {
    REQUEST_ID: {
        "description": "The id of the request in our logs.",
        "schema": {"type": "string", "example": "b7a1f3c2-5d1e-4f7b-9a51-0c7f2f3f9d10"},
    },
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1, "example": 30}},
    "WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string", "example": "Bearer"}},
}
EXAMPLE_ID = str(HEADERS[REQUEST_ID]["schema"]["example"])


class InternalError(BaseAppException):
    """An unexpected error on the server. The log has it with the request's id."""


class NotAcceptable(BaseAppException):
    """`Accept` excludes JSON."""

    status_code = 406
    code, message = CODES_BY_STATUS[406]


class UnsupportedMediaType(BaseAppException):
    """The operation does not accept the content type of the body."""

    status_code = 415
    code, message = CODES_BY_STATUS[415]


OF_EVERY_OPERATION: tuple[type[BaseAppException], ...] = (
    MalformedRequestException,
    NotAcceptable,
    InternalError,
    DatabaseException,
    ServiceUnavailableException,
)
OF_A_BODY: tuple[type[BaseAppException], ...] = (PayloadTooLargeException, UnsupportedMediaType, ValidationException)


class AutoSchema(SpectacularAutoSchema):
    """drf-spectacular's description of an operation, with its permission and, for `describe_answers`, its errors."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            operation["errors"] = [*self._errors(operation)]
            if permission := permission_of(self.view, self.method):
                operation["description"] = f"{operation.get('description', '')}\n\nPermission: `{permission}`."
            body = operation.get("requestBody", {})
            if len(body.get("content", {})) > 1:  # openapi-python-client does not import `Unset` for a required body
                body.pop("required", None)
        return operation

    def _errors(self, operation: dict[str, Any]) -> Iterator[type[BaseAppException]]:
        """Yield the exceptions that the operation may raise, in any order, some perhaps twice."""
        named = self._named()
        yield from (*OF_EVERY_OPERATION, *named)
        if self.view.throttle_classes or self.view.authentication_classes:  # wrong API keys are counted
            yield ThrottledException
        if self.view.authentication_classes:
            yield from _of_access(access_of(self.view), permission_of(self.view, self.method), self.method)
        if "{" in self.path and not any(issubclass(one, NotFoundException) for one in named):
            yield NotFoundException
        if "requestBody" in operation:
            yield from OF_A_BODY
        elif any(parameter["in"] == "query" for parameter in operation.get("parameters", [])):
            yield ValidationException

    def _named(self) -> tuple[type[BaseAppException], ...]:
        handler = getattr(self.view, getattr(self.view, "action", None) or self.method.lower())
        return (*getattr(type(self.view), "raised", ()), *getattr(handler, "raised", ()))


def _of_access(access: Access, permission: str, method: str) -> Iterator[type[BaseAppException]]:
    yield from (InvalidSessionTokenException, AddressNotAllowedException)
    if RequiredAction.PASSWORD_CHANGE not in access.while_pending:
        yield PasswordChangeRequiredException
    if RequiredAction.MFA_ENROLMENT not in access.while_pending:
        yield TwoFactorRequiredException
    if access.caller is not Caller.ANYONE:
        yield UnauthorizedException
    if method in access.reauthentication:
        yield ReauthenticationRequiredException
    if permission:
        yield InsufficientPermissionsException
    elif method not in SAFE_METHODS:  # a call by session cookie without its CSRF token
        yield ForbiddenException


def describe_answers(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add the errors and headers of each operation, as shared components. A postprocessing hook of drf-spectacular."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Error"] = ENVELOPE
    components["headers"] = HEADERS
    responses, examples = components.setdefault("responses", {}), components.setdefault("examples", {})
    for operation in (operation for path in result["paths"].values() for operation in path.values()):
        for answer in operation["responses"].values():
            answer["description"] = answer["description"] or "Success."
            answer.setdefault("headers", {}).update(_headers(REQUEST_ID))
        for status, errors in _by_status(operation.pop("errors", ())).items():
            name = "".join([f"Error{status}", *map(_name, errors)])
            if name not in responses:
                responses[name] = _answer(errors)
                examples.update({_name(error): _example(error) for error in errors})
            operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
        operation["responses"] = dict(sorted(operation["responses"].items()))
    return result


def _by_status(errors: Errors) -> dict[str, list[type[BaseAppException]]]:
    """Return the errors of each status without duplicates, sorted by name."""
    found: dict[str, list[type[BaseAppException]]] = {}
    for error in sorted(set(errors), key=_name):
        found.setdefault(str(error.status_code), []).append(error)
    return found


def _name(error: type[BaseAppException]) -> str:
    return error.__name__.removesuffix("Exception")


def _answer(errors: list[type[BaseAppException]]) -> dict[str, Any]:
    """Return a response that describes these errors: codes with meanings, an example of each, and all headers."""
    meanings = [f"`{error.code}`: {(error.__doc__ or '').splitlines()[0]}" for error in errors]
    headers = dict.fromkeys(name for error in errors for name in error.example().headers)
    references = {_name(error): {"$ref": f"#/components/examples/{_name(error)}"} for error in errors}
    schema = {"$ref": "#/components/schemas/Error"}
    return {
        "description": "\n\n".join(meanings),
        "headers": _headers(REQUEST_ID, *headers),
        "content": {"application/json": {"schema": schema, "examples": references}},
    }


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _example(error: type[BaseAppException]) -> dict[str, Any]:
    with translation.override("en"):
        return {"summary": error.code, "value": envelope(error.example(), EXAMPLE_ID)}
