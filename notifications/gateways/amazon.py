"""boto3 clients, one of each service a process, and the translation of Amazon's errors."""

import threading
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError
from django.conf import settings

from notifications.exceptions import (
    MisconfiguredDeliveryError,
    PerhapsSentError,
    PermanentDeliveryError,
    TemporaryDeliveryError,
)
from notifications.gateways import slots

# Delivery itself retries messages: retries inside boto3 could take longer than a lease.
CONFIG = Config(
    retries={"total_max_attempts": 1},
    connect_timeout=5,
    read_timeout=15,
    max_pool_connections=100,  # twice the maximum of senders, so that none waits for a connection
)
# Amazon is busy or has a fault: another attempt helps.
TEMPORARY_CODES = frozenset({
    "Throttling", "ThrottlingException", "TooManyRequestsException", "LimitExceededException", "Throttled",
    "ThrottledException", "RequestLimitExceeded", "SlowDown", "ServiceUnavailable", "InternalFailure", "InternalError",
    "InternalErrorException", "InternalServerErrorException", "RequestTimeout", "RequestExpired",
})  # fmt: skip
DENIED_CODES = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"})
# An operator must correct the account, its credentials or the settings; then the same message can be sent.
CONFIGURATION_CODES = DENIED_CODES | {
    "AccountSendingPausedException", "AccountSuspendedException", "SendingPausedException",
    "ConfigurationSetDoesNotExist", "ConfigurationSetDoesNotExistException", "ConfigurationSetSendingPausedException",
    "FromEmailAddressNotVerifiedException", "MailFromDomainNotVerified", "MailFromDomainNotVerifiedException",
    "NotFoundException", "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidSecurity",
    "InvalidSecurityException", "MissingAuthenticationToken", "UnrecognizedClientException", "SignatureDoesNotMatch",
    "IncompleteSignature", "OptInRequired",
}  # fmt: skip
# Codes such as MessageRejected may also mean a fault of the message: for these the text decides.
# The last one is moto's, for a sender that is not verified.
CONFIGURATION_REASONS = ("not verified", "sandbox", "not authorized", "did not have authority to send")
# What a call raises; the last one is for an answer that is not Amazon's, such as a proxy's page, and has another base.
ERRORS = (ClientError, BotoCoreError, ResponseParserError)
RESPONSE_LOST = (ReadTimeoutError, ConnectionClosedError, ResponseStreamingError, ResponseParserError)
NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, ProfileNotFound)
# Calls that send a message; others, such as looking up whether a number has opted out, need no slot.
SENDING = ("ses.SendRawEmail", "sesv2.SendEmail", "sns.Publish")
_making = threading.Lock()


def client(service: str) -> Any:
    """Return the boto3 client of `ses`, `sesv2`, `sns` or `logs`. Threads share it."""
    with _making:  # boto3 clients are thread-safe, but not their creation
        return _client(service, settings.AWS_REGION, settings.AWS_ENDPOINT_URL)


@cache
def _client(service: str, region: str, endpoint_url: str) -> Any:
    session: Any = boto3.Session()
    made = session.client(service, region_name=region, endpoint_url=endpoint_url or None, config=CONFIG)
    for operation in SENDING:
        made.meta.events.register(f"before-send.{operation}", slots.acquire)
    made.meta.events.register(f"after-call.{service}", _ensure_request_id)
    return made


def _ensure_request_id(parsed: dict[str, Any], **kwargs: Any) -> None:
    """Add an empty RequestId if there is none: django-ses would fail after the e-mail was sent."""
    parsed.setdefault("ResponseMetadata", {}).setdefault("RequestId", "")


def is_denied(error: Exception) -> bool:
    """Return whether the credentials have no permission for the call."""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code", "") in DENIED_CODES


def delivery_error(error: Exception) -> TemporaryDeliveryError | PermanentDeliveryError:
    """Translate one of ERRORS into a temporary or permanent one."""
    if isinstance(error, RESPONSE_LOST):
        return PerhapsSentError(f"Amazon's response was lost ({type(error).__name__}).")
    if isinstance(error, NO_CREDENTIALS):
        reason = f"There are no usable credentials for Amazon ({type(error).__name__})."
        return MisconfiguredDeliveryError(reason, type(error).__name__)
    if not isinstance(error, ClientError):
        return TemporaryDeliveryError(f"Amazon could not be reached ({type(error).__name__}).")
    code = error.response.get("Error", {}).get("Code", "")
    reason = error.response.get("Error", {}).get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in CONFIGURATION_CODES or any(words in reason.lower() for words in CONFIGURATION_REASONS):
        return MisconfiguredDeliveryError(f"Amazon refused the account or the settings: {code} {reason}".strip(), code)
    if code in TEMPORARY_CODES or status >= 500 or status == 429:
        return TemporaryDeliveryError(f"Amazon: {code} {reason}".strip())
    return PermanentDeliveryError(f"Amazon refused: {code} {reason}".strip())
