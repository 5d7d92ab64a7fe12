"""Texts through Amazon SNS."""

from contextlib import suppress

from botocore.exceptions import BotoCoreError, ClientError
from django.core.cache import cache

from foodfleet.core.shared_cache import UNREACHABLE
from notifications.exceptions import RecipientOptedOutError
from notifications.gateways import amazon
from notifications.gateways.texts import Sms

OPT_OUT_KNOWN_FOR = 3600  # seconds: SNS takes a text to an opted-out number and drops it unsaid, so we ask now and then


class SnsSmsGateway:
    """Publishes straight to the number."""

    def send(self, sms: Sms) -> str:
        """Publish; returns SNS's MessageId. Raises RecipientOptedOutError where the number answered STOP."""
        try:
            if self._opted_out(sms.to):
                raise RecipientOptedOutError("The number has opted out of texts.")
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

    @staticmethod
    def _opted_out(number: str) -> bool:
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
