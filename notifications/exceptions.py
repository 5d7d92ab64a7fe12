"""What notifications refuse, and what gateways report."""

from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import NotFoundException


class MessageNotFoundException(NotFoundException):
    """No message has this id."""

    code = "message_not_found"
    message = _("There is no such message.")


class DeliveryError(Exception):
    """A gateway could not send; the text says why and holds no secret."""


class TemporaryDeliveryError(DeliveryError):
    """Worth another try: throttled, a network error, the provider's own trouble."""


class PermanentDeliveryError(DeliveryError):
    """Refused for good: trying again changes nothing."""
