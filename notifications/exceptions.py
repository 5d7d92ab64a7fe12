"""What notifications refuse, and what gateways report."""

from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import ConflictException, NotFoundException


class MessageNotFoundException(NotFoundException):
    """No message has this id."""

    code = "message_not_found"
    message = _("There is no such message.")


class IdempotencyConflictException(ConflictException):
    """The sender used this Idempotency-Key before, with another body."""

    code = "idempotency_conflict"
    message = _("This Idempotency-Key was used before with another body.")


class MessageNotRetriableException(ConflictException):
    """Only a message that failed, and whose content is still kept, goes back to the queue."""

    code = "message_not_retriable"
    message = _("Only a failed message whose content is still kept can be sent again.")


class DeliveryError(Exception):
    """A gateway could not send; the text says why and holds no secret."""


class TemporaryDeliveryError(DeliveryError):
    """Worth another try: throttled, a network error, the provider's own trouble."""


class PermanentDeliveryError(DeliveryError):
    """Refused for good: trying again changes nothing."""
