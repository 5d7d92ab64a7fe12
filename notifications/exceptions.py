"""Exceptions of notifications and its gateways."""

from collections.abc import Iterable
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import (
    ConflictException,
    ForbiddenException,
    NotFoundException,
    ThrottledException,
    ValidationException,
)


class MessageNotFoundException(NotFoundException):
    """No message has this ID."""

    code = "message_not_found"
    message = _("There is no such message.")


class IdempotencyConflictException(ConflictException):
    """The sender already used this Idempotency-Key with another body."""

    code = "idempotency_conflict"
    message = _("This Idempotency-Key was already used with another body.")


class MessageNotRetriableException(ConflictException):
    """Only a failed message whose content is still stored can be queued again."""

    code = "message_not_retriable"
    message = _("Only a failed message whose content is still stored can be sent again.")


class MessageNotCancellableException(ConflictException):
    """Only a queued message can be cancelled."""

    code = "message_not_cancellable"
    message = _("Only a message that is still queued can be cancelled.")


class DeliveryError(Exception):
    """A gateway could not send. The text gives the reason and contains no secret."""

    kind: ClassVar[str] = "permanent"  # in metrics


class TemporaryDeliveryError(DeliveryError):
    """An error that a retry may solve: throttling, a network error or a fault of the provider."""

    kind = "temporary"


class PerhapsSentError(TemporaryDeliveryError):
    """The provider's response was lost: it may have accepted the message."""

    kind = "uncertain"


class MisconfiguredDeliveryError(TemporaryDeliveryError):
    """The provider refused our account or settings, which an operator has to correct. The message is valid.

    code: the provider's error code, to log each error only once in a while.
    """

    kind = "misconfigured"

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.code = code


class PermanentDeliveryError(DeliveryError):
    """The provider refused the message permanently."""


class SuppressionNotFoundException(NotFoundException):
    """No suppression has this ID."""

    code = "suppression_not_found"
    message = _("There is no such suppression.")


class AlreadySuppressedException(ConflictException):
    """The address is already suppressed, for all messages or for this kind."""

    code = "already_suppressed"
    message = _("This address is already suppressed.")


class AlreadyLiftedException(ConflictException):
    """The suppression was lifted before."""

    code = "already_lifted"
    message = _("This suppression was lifted before.")


class SmsTemplateNotFoundException(NotFoundException):
    """No active SMS template has this ID or name."""

    code = "sms_template_not_found"
    message = _("There is no such SMS template.")


class EmailTemplateNotFoundException(NotFoundException):
    """The product has no e-mail of this name."""

    code = "email_template_not_found"
    message = _("There is no such e-mail template.")


class EmailOverrideNotFoundException(NotFoundException):
    """No e-mail override has this ID."""

    code = "email_override_not_found"
    message = _("There is no such e-mail override.")


class NoOwnRecipientException(ConflictException):
    """Test messages go to the sender's own confirmed address or number, and the sender has none."""

    code = "no_own_recipient"
    message = _("Test messages go to your own address or number. Confirm it first.")


class VersionNotFoundException(NotFoundException):
    """The template has no version with this number."""

    code = "version_not_found"
    message = _("There is no such version.")


class InvalidTemplateException(ValidationException):
    """The content of a template is invalid."""

    message = _("This template is not valid.")


class TemplateNotSendableException(ValidationException):
    """Only the product sends this template, because its account and security messages contain links and codes."""

    @classmethod
    def of(cls, name: str) -> "TemplateNotSendableException":
        """Return the exception for the field `template`."""
        text = _("Only the product itself sends %(name)s.") % {"name": name}
        return cls(details={"template": [{"message": str(text), "code": "template_not_sendable"}]})


class MissingVariablesException(ValidationException):
    """Values that a template needs are missing or blank."""

    message = _("Values that this template needs are missing.")

    @classmethod
    def of(cls, names: Iterable[str], *, field: str = "variables") -> "MissingVariablesException":
        """Return the exception for these names. field: the field of the request that contains the values."""
        entries = [
            {"message": str(_("%(name)s is missing.") % {"name": name}), "code": "missing_variable"} for name in names
        ]
        return cls(details={field: entries})


class TemplateInUseException(ConflictException):
    """A product template cannot be deleted or renamed."""

    code = "template_in_use"
    message = _("The product sends this template. You can edit or deactivate it, but not delete it.")


class NewerVersionException(ConflictException):
    """A newer version was saved after the editor opened this one."""

    code = "newer_version"
    message = _("Somebody else saved this after you opened it.")

    @classmethod
    def of(cls, who: object, when: str) -> "NewerVersionException":
        """Return the exception with the name of the other editor."""
        words = {"who": who or "-", "when": when}
        return cls(_("%(who)s saved this after you opened it (%(when)s). Open it again and change it there.") % words)


class UnsubscribeLinkException(NotFoundException):
    """The unsubscribe link is invalid, or its owner was deleted."""

    code = "unsubscribe_link_not_found"


class RecipientOptedOutError(PermanentDeliveryError):
    """The recipient opted out at the provider: not a failure, and not retried."""

    kind = "opted_out"


class MailTooLargeException(ValidationException):
    """The e-mail is larger than the provider accepts."""

    code = "mail_too_large"
    message = _("This e-mail is too large.")

    @classmethod
    def of(cls, size: int, most: int) -> "MailTooLargeException":
        """Return the exception with both sizes in bytes."""
        text = _("With its attachments the e-mail has %(size)s bytes. The limit is %(most)s bytes.") % {
            "size": size,
            "most": most,
        }
        return cls(details={"attachments": [{"message": str(text), "code": "mail_too_large"}]})


class SmsLimitException(ThrottledException):
    """A limit for SMS was reached: to this number, to its country, or for all SMS."""

    message = _("Too many SMS were sent. Please try again later.")


class WebhookNotFoundException(NotFoundException):
    """No webhook endpoint has this ID."""

    code = "webhook_not_found"
    message = _("There is no such webhook endpoint.")


class DeliveryNotFoundException(NotFoundException):
    """No webhook delivery has this ID."""

    code = "delivery_not_found"
    message = _("There is no such webhook delivery.")


class WebhookPausedException(ConflictException):
    """Nothing is delivered to an endpoint that is paused or was deleted."""

    code = "webhook_paused"
    message = _("Nothing is delivered to an endpoint that is paused or was deleted.")


class DeliveryNotReplayableException(ConflictException):
    """A delivery cannot be replayed while it is being sent, or after its content was removed."""

    code = "delivery_not_replayable"
    message = _("This is being delivered at the moment, or its content was removed.")


class SnsUnreachableError(Exception):
    """A request to Amazon SNS failed. The text contains no secret."""


class UntrustedReportException(ForbiddenException):
    """A report has no valid signature of Amazon, or another topic."""

    code = "invalid_signature"
    message = _("The signature or topic of this report is not valid.")
