"""Amazon's clients, made once a process, and its errors, sorted."""

import threading
from functools import cache
from typing import Any
from urllib.parse import urlencode

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
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
from notifications.gateways import turns

# We retry ourselves, with the message's state in the database: a retry inside boto3 would outlive a lease.
CONFIG = Config(
    retries={"total_max_attempts": 1},
    connect_timeout=5,
    read_timeout=15,
    max_pool_connections=100,  # twice the most senders: none waits for another's connection
    parameter_validation=False,  # we build them; Amazon checks them
    user_agent="FoodFleet",  # boto3 puts its own, of forty words, together anew for each call
)
# Another try helps: Amazon is busy or unwell.
TEMPORARY_CODES = frozenset({
    "Throttling", "ThrottlingException", "TooManyRequestsException", "LimitExceededException", "Throttled",
    "ThrottledException", "RequestLimitExceeded", "SlowDown", "ServiceUnavailable", "InternalFailure", "InternalError",
    "InternalErrorException", "InternalServerErrorException", "RequestTimeout", "RequestExpired",
})  # fmt: skip
DENIED_CODES = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"})
# Somebody has to put our account, its credentials or our settings in order; then the same message is sent.
CONFIGURATION_CODES = DENIED_CODES | {
    "AccountSendingPausedException", "AccountSuspendedException", "SendingPausedException",
    "ConfigurationSetDoesNotExist", "ConfigurationSetDoesNotExistException", "ConfigurationSetSendingPausedException",
    "FromEmailAddressNotVerifiedException", "MailFromDomainNotVerified", "MailFromDomainNotVerifiedException",
    "NotFoundException", "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "InvalidSecurity",
    "InvalidSecurityException", "MissingAuthenticationToken", "UnrecognizedClientException", "SignatureDoesNotMatch",
    "IncompleteSignature", "OptInRequired",
}  # fmt: skip
# Codes such as MessageRejected are also used for the message's own faults: here the reason tells.
CONFIGURATION_REASONS = ("not verified", "sandbox", "not authorized")
ANSWER_LOST = (ReadTimeoutError, ConnectionClosedError, ResponseStreamingError, ResponseParserError)
# What sends a message; other calls, such as looking up whether a number has opted out, need no turn.
SENDING = ("ses.SendRawEmail", "sesv2.SendEmail", "sns.Publish")
_making = threading.Lock()


def client(service: str) -> Any:
    """The boto3 client of `ses`, `sesv2` or `sns`; threads share it, as boto3 allows."""
    with _making:  # boto3's clients are safe to share, making two at once is not
        return _client(service, settings.AWS_REGION, settings.AWS_ENDPOINT_URL)


@cache
def _client(service: str, region: str, endpoint_url: str) -> Any:
    session: Any = boto3.Session()
    made = session.client(service, region_name=region, endpoint_url=endpoint_url or None, config=CONFIG)
    for operation in SENDING:
        made.meta.events.register(f"before-send.{operation}", turns.begin)
    if service == "ses":
        made.meta.events.register("before-call.ses.SendRawEmail", _encode_mail)
    made.meta.events.register(f"after-call.{service}", _name_request)
    return made


def _name_request(parsed: dict[str, Any], **kwargs: Any) -> None:
    """Give each answer an id of its request: django-ses fails without one, when the mail is already on its way."""
    parsed.setdefault("ResponseMetadata", {}).setdefault("RequestId", "")


def _encode_mail(params: dict[str, Any], **kwargs: Any) -> None:
    """Write the form of SendRawEmail ourselves.

    botocore quotes it letter by letter, twice, which costs more than all else of sending; of a mail in base64 only
    three letters can need it.
    """
    form = dict(params["body"])
    mail = form.pop("RawMessage.Data")
    quoted = mail.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    params["body"] = f"{urlencode(form)}&RawMessage.Data={quoted}".encode()


def is_denied(error: ClientError | BotoCoreError) -> bool:
    """Whether our credentials lack the right to make the call."""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code", "") in DENIED_CODES


def sorted_error(error: ClientError | BotoCoreError) -> TemporaryDeliveryError | PermanentDeliveryError:
    """What boto3 raised, as ours: worth another try, or not."""
    if isinstance(error, ANSWER_LOST):
        return PerhapsSentError(f"Amazon's answer was lost ({type(error).__name__}).")
    if not isinstance(error, ClientError):
        return TemporaryDeliveryError(f"Amazon could not be reached ({type(error).__name__}).")
    code = error.response.get("Error", {}).get("Code", "")
    reason = error.response.get("Error", {}).get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in CONFIGURATION_CODES or any(words in reason.lower() for words in CONFIGURATION_REASONS):
        return MisconfiguredDeliveryError(f"Amazon refused our account or settings: {code} {reason}".strip(), code)
    if code in TEMPORARY_CODES or status >= 500 or status == 429:
        return TemporaryDeliveryError(f"Amazon: {code} {reason}".strip())
    return PermanentDeliveryError(f"Amazon refused: {code} {reason}".strip())
