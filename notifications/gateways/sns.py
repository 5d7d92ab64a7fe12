"""SMS through Amazon SNS."""

import time
from contextlib import suppress

import structlog
from botocore.exceptions import ClientError
from django.core.cache import cache

from foodfleet.core.cache.shared import UNREACHABLE
from notifications.exceptions import RecipientOptedOutError, TemporaryDeliveryError
from notifications.gateways import amazon
from notifications.gateways.sms_message import Sms

logger = structlog.get_logger(__name__)

DENIED_FOR = 600.0  # seconds without another look-up after Amazon denied one
DEFAULT_MONTHLY_LIMIT = 1.0  # US dollars; Amazon's default
OPT_OUT_CACHED_FOR = 3600  # seconds; SNS accepts an SMS to an opted-out number and drops it silently


class SnsSmsGateway:
    """Sends by Amazon SNS."""

    _denied_until = 0.0  # by `monotonic`; without permission to look up opt-outs, SMS are sent anyway

    def send(self, sms: Sms) -> str:
        """Send the SMS and return its MessageId. Raises RecipientOptedOutError if the number has opted out."""
        if self._opted_out(sms.to):
            raise RecipientOptedOutError("The number has opted out of SMS.")
        try:
            answer = amazon.client("sns").publish(
                PhoneNumber=sms.to, Message=sms.text, MessageAttributes=self._attributes(sms)
            )
        except amazon.ERRORS as error:
            if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code", "").startswith(
                "OptedOut"
            ):
                raise RecipientOptedOutError("The number has opted out of SMS.") from error
            raise amazon.delivery_error(error) from error
        return str(answer["MessageId"])

    @staticmethod
    def _attributes(sms: Sms) -> dict[str, dict[str, str]]:
        attributes = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": sms.type}}
        if sms.sender_id:
            attributes["AWS.SNS.SMS.SenderID"] = {"DataType": "String", "StringValue": sms.sender_id}
        if sms.max_price:
            attributes["AWS.SNS.SMS.MaxPrice"] = {"DataType": "Number", "StringValue": sms.max_price}
        return attributes

    @classmethod
    def _opted_out(cls, number: str) -> bool:
        """Return whether the number has opted out; False without permission to look it up.

        Raises TemporaryDeliveryError for all other errors, because nothing was sent.
        """
        if time.monotonic() < cls._denied_until:
            return False
        try:
            return cls._look_up(number)
        except amazon.ERRORS as error:
            if amazon.is_denied(error):
                if not cls._denied_until:
                    logger.warning("sns_opt_outs_unknown", error=str(amazon.delivery_error(error)))
                cls._denied_until = time.monotonic() + DENIED_FOR
                return False
            reason = f"The opt-out of the number could not be looked up: {amazon.delivery_error(error)}"
            raise TemporaryDeliveryError(reason) from error

    @staticmethod
    def _look_up(number: str) -> bool:
        key = f"sns-opted-out:{number}"
        known: bool | None = None
        with suppress(*UNREACHABLE):
            known = cache.get(key)
        if known is None:
            answer = amazon.client("sns").check_if_phone_number_is_opted_out(phoneNumber=number)
            known = bool(answer["isOptedOut"])
            with suppress(*UNREACHABLE):
                cache.set(key, known, OPT_OUT_CACHED_FOR)
        return known


def monthly_limit() -> float:
    """Return the account's monthly limit for SMS in US dollars. Raises as `is_in_sandbox`."""
    try:
        attributes = amazon.client("sns").get_sms_attributes(attributes=["MonthlySpendLimit"])["attributes"]
    except amazon.ERRORS as error:
        raise amazon.delivery_error(error) from error
    return float(attributes.get("MonthlySpendLimit", DEFAULT_MONTHLY_LIMIT))


def is_in_sandbox() -> bool:
    """Return whether SMS reach only verified numbers. Raises TemporaryDeliveryError or PermanentDeliveryError."""
    try:
        return bool(amazon.client("sns").get_sms_sandbox_account_status()["IsInSandbox"])
    except amazon.ERRORS as error:
        raise amazon.delivery_error(error) from error
