"""Texts through Amazon SNS."""

import time
from contextlib import suppress

import structlog
from botocore.exceptions import BotoCoreError, ClientError
from django.core.cache import cache

from foodfleet.core.cache.shared import UNREACHABLE
from notifications.exceptions import RecipientOptedOutError, TemporaryDeliveryError
from notifications.gateways import amazon
from notifications.gateways.texts import Sms

logger = structlog.get_logger(__name__)

DENIED_FOR = 600.0  # seconds until we ask again
OPT_OUT_KNOWN_FOR = 3600  # seconds: SNS takes a text to an opted-out number and drops it unsaid, so we ask now and then


class SnsSmsGateway:
    """Publishes straight to the number."""

    _denied_until = 0.0  # by `monotonic`: without the right to look up opt-outs, texts are sent all the same

    def send(self, sms: Sms) -> str:
        """Publish; returns SNS's MessageId. Raises RecipientOptedOutError where the number answered STOP."""
        if self._opted_out(sms.to):
            raise RecipientOptedOutError("The number has opted out of texts.")
        try:
            answer = amazon.client("sns").publish(
                PhoneNumber=sms.to, Message=sms.text, MessageAttributes=self._attributes(sms)
            )
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code", "").startswith(
                "OptedOut"
            ):
                raise RecipientOptedOutError("The number has opted out of texts.") from error
            raise amazon.sorted_error(error) from error
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
        """Whether the number answered STOP; False where we may not ask. Raises TemporaryDeliveryError.

        Nothing is sent here: whatever goes wrong, the text may be tried again.
        """
        if time.monotonic() < cls._denied_until:
            return False
        try:
            return cls._ask_opted_out(number)
        except (ClientError, BotoCoreError) as error:
            if amazon.is_denied(error):
                if not cls._denied_until:
                    logger.warning("sns_opt_outs_unknown", error=str(amazon.sorted_error(error)))
                cls._denied_until = time.monotonic() + DENIED_FOR
                return False
            reason = f"Amazon could not tell whether the number has opted out: {amazon.sorted_error(error)}"
            raise TemporaryDeliveryError(reason) from error

    @staticmethod
    def _ask_opted_out(number: str) -> bool:
        key = f"sns-opted-out:{number}"
        known: bool | None = None
        with suppress(*UNREACHABLE):
            known = cache.get(key)
        if known is None:
            answer = amazon.client("sns").check_if_phone_number_is_opted_out(phoneNumber=number)
            known = bool(answer["isOptedOut"])
            with suppress(*UNREACHABLE):
                cache.set(key, known, OPT_OUT_KNOWN_FOR)
        return known
