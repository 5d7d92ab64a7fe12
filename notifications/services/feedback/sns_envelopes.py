"""Verify messages of Amazon SNS: their form, topic, age and signature, in this order.

The certificate is fetched only for a topic of SES_TOPIC_ARNS, and only from the SNS host of amazonaws.com in the
topic's own region, so that an unknown sender cannot cause requests to other hosts.
"""

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from foodfleet.core.cache.rate_limits import fixed_window
from foodfleet.core.exceptions import MalformedRequestException, ServiceUnavailableException
from notifications.exceptions import SnsUnreachableError, UntrustedReportException
from notifications.gateways.sns_http import SnsHttp

logger = structlog.get_logger(__name__)

NOTIFICATION, CONFIRMATION, UNSUBSCRIPTION = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
# The signed fields in their order; Subject only if present.
SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    UNSUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
HASHES: dict[str, type[HashAlgorithm]] = {"1": SHA1, "2": SHA256}
TOPIC = re.compile(r"arn:aws(?:-cn|-us-gov)?:sns:([a-z0-9-]{1,30}):\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?")
CERTIFICATE_URL = re.compile(
    r"https://sns\.([a-z0-9-]{1,30})\.amazonaws\.com/SimpleNotificationService-[0-9a-f]{16,64}\.pem"
)
SUBSCRIBE_URL = re.compile(r"https://sns\.([a-z0-9-]{1,30})\.amazonaws\.com/\?Action=ConfirmSubscription&[\w=&:%.-]+")
MAX_AGE = timedelta(hours=24)  # SNS gives up after an hour
MAX_AHEAD = timedelta(minutes=5)
CERTIFICATE_SECONDS = 24 * 3600.0
FETCHES_PER_MINUTE = 300
FETCHES_PER_SENDER = 10  # a minute, of certificates that this process has not cached


@dataclass(frozen=True)
class Envelope:
    """An SNS message with a valid signature."""

    id: str
    type: str
    topic: str
    sent_at: datetime
    message: str
    subscribe_url: str


def open_envelope(body: Any, *, sender: str = "", http: SnsHttp, now: datetime | None = None) -> Envelope | None:
    """Verify the JSON `body` and return its envelope, or None if it is too old. sender: the client's IP address.

    Raises MalformedRequestException, UntrustedReportException, or ServiceUnavailableException if the certificate
    cannot be fetched, so that SNS sends the message again.
    """
    fields = _fields(body)
    region = _region_of_our_topic(fields["TopicArn"])
    sent_at = _sent_at(fields["Timestamp"], now or timezone.now())
    certificate = CERTIFICATE_URL.fullmatch(fields["SigningCertURL"])
    if certificate is None or certificate[1] != region:
        raise _untrusted("certificate_url")
    _verify(fields, _public_key(fields["SigningCertURL"], sender, http))
    if sent_at is None:
        return None
    subscribe_url = fields.get("SubscribeURL", "")
    confirms = SUBSCRIBE_URL.fullmatch(subscribe_url)
    if fields["Type"] == CONFIRMATION and (confirms is None or confirms[1] != region):
        raise _untrusted("subscribe_url")
    return Envelope(fields["MessageId"], fields["Type"], fields["TopicArn"], sent_at, fields["Message"], subscribe_url)


def _fields(body: Any) -> dict[str, str]:
    if not isinstance(body, Mapping):
        raise MalformedRequestException
    fields = {str(name): value for name, value in body.items() if isinstance(value, str)}
    signed = SIGNED.get(fields.get("Type", ""))
    needed = {"SigningCertURL", "Signature", "SignatureVersion", *(signed or ())} - {"Subject"}
    if signed is None or needed - fields.keys() or len(fields["MessageId"]) > 100 or "\x00" in fields["MessageId"]:
        raise MalformedRequestException
    return fields


def _region_of_our_topic(topic: str) -> str:
    found = TOPIC.fullmatch(topic)
    if found is None or topic not in settings.SES_TOPIC_ARNS:
        raise _untrusted("topic")
    return found[1]


def _sent_at(text: str, now: datetime) -> datetime | None:
    """Return the time of sending; None if it is longer ago than MAX_AGE."""
    try:
        parsed = parse_datetime(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise MalformedRequestException
    if parsed > now + MAX_AHEAD:
        raise _untrusted("timestamp")
    return parsed if parsed > now - MAX_AGE else None


def _verify(fields: Mapping[str, str], key: RSAPublicKey) -> None:
    algorithm = HASHES.get(fields["SignatureVersion"])
    if algorithm is None:
        raise _untrusted("signature_version")
    names = [name for name in SIGNED[fields["Type"]] if name in fields]
    text = "".join(f"{name}\n{fields[name]}\n" for name in names)
    try:
        key.verify(b64decode(fields["Signature"], validate=True), text.encode(), PKCS1v15(), algorithm())
    except (InvalidSignature, ValueError):
        raise _untrusted("signature") from None


# Certificates are public and the content of a URL does not change, so caching in the process is safe.
_keys: dict[str, tuple[RSAPublicKey, float]] = {}


def _public_key(url: str, sender: str, http: SnsHttp) -> RSAPublicKey:
    key, until = _keys.get(url, (None, 0.0))
    if key is not None and monotonic() < until:
        return key
    if not _may_fetch(sender):
        raise ServiceUnavailableException
    try:
        certificate = x509.load_pem_x509_certificate(http.get(url))
    except SnsUnreachableError as error:
        logger.warning("sns_certificate_not_fetched", error=str(error))
        raise ServiceUnavailableException from error
    except ValueError:
        raise _untrusted("certificate") from None
    found = certificate.public_key()
    now = timezone.now()
    if (
        not isinstance(found, RSAPublicKey)
        or not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
    ):
        raise _untrusted("certificate")
    if len(_keys) >= 100:  # far more than Amazon uses
        _keys.clear()
    _keys[url] = (found, monotonic() + CERTIFICATE_SECONDS)
    return found


def _may_fetch(sender: str) -> bool:
    """Limit fetches for each sender, so that forged URLs of one sender do not block Amazon's messages."""
    is_fair = fixed_window(f"sns-certificates:{sender}", limit=FETCHES_PER_SENDER, seconds=60).allowed
    return is_fair and fixed_window("sns-certificates", limit=FETCHES_PER_MINUTE, seconds=60).allowed


def _untrusted(part: str) -> UntrustedReportException:
    logger.warning("report_refused", part=part)
    return UntrustedReportException()
