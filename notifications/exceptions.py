"""What notifications refuse, and what gateways report."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import (
    ConflictException,
    ForbiddenException,
    NotFoundException,
    ThrottledException,
    ValidationException,
)


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


class MessageNotCancellableException(ConflictException):
    """Only a message that still waits is called back; what is being sent or was sent cannot be."""

    code = "message_not_cancellable"
    message = _("Only a message that is still queued can be cancelled.")


class DeliveryError(Exception):
    """A gateway could not send; the text says why and holds no secret."""


class TemporaryDeliveryError(DeliveryError):
    """Worth another try: throttled, a network error, the provider's own trouble."""


class PerhapsSentError(TemporaryDeliveryError):
    """The provider may have taken it: what it answered was lost on the way."""


class MisconfiguredDeliveryError(TemporaryDeliveryError):
    """Refused because of our account or settings, which an operator has to correct; the message itself is fine.

    code: what the log tells this fault from others by.
    """

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.code = code


class PermanentDeliveryError(DeliveryError):
    """Refused for good: trying again changes nothing."""


class SmsTemplateNotFoundException(NotFoundException):
    """No SMS template has this id or name, or it is switched off."""

    code = "sms_template_not_found"
    message = _("There is no such SMS template.")


class EmailTemplateNotFoundException(NotFoundException):
    """The product has no mail of this name."""

    code = "email_template_not_found"
    message = _("There is no such e-mail template.")


class VersionNotFoundException(NotFoundException):
    """What staff wrote was never saved under this number."""

    code = "version_not_found"
    message = _("There is no such version.")


class InvalidTemplateException(ValidationException):
    """What staff wrote is no template that could be sent."""

    message = _("This template cannot be used as it is.")


class TemplateNotSendableException(ValidationException):
    """Only the product itself sends this template: its account and security messages carry links and codes."""

    @classmethod
    def of(cls, name: str) -> "TemplateNotSendableException":
        """The refusal beside the field that names the template."""
        text = _("Only the product itself sends %(name)s.") % {"name": name}
        return cls(details={"template": [{"message": str(text), "code": "template_not_sendable"}]})


class MissingVariablesException(ValidationException):
    """A message cannot be written: values that its template needs are missing or blank."""

    message = _("Values that this template needs are missing.")

    @classmethod
    def of(cls, names: Iterable[str], *, field: str = "variables") -> "MissingVariablesException":
        """The refusal that names them. field: in which whoever asked would give them."""
        entries = [
            {"message": str(_("%(name)s is missing.") % {"name": name}), "code": "missing_variable"} for name in names
        ]
        return cls(details={field: entries})


class TemplateInUseException(ConflictException):
    """The product itself sends this template."""

    code = "template_in_use"
    message = _("The product itself sends this template: it can be changed or switched off, and not be deleted.")


class NewerVersionException(ConflictException):
    """Somebody saved what is being edited after it was opened."""

    code = "newer_version"
    message = _("Somebody else saved this after you opened it.")

    @classmethod
    def of(cls, who: object, when: str) -> "NewerVersionException":
        """The refusal that names them."""
        words = {"who": who or "-", "when": when}
        return cls(_("%(who)s saved this after you opened it (%(when)s). Open it again and change it there.") % words)


class UnsubscribeLinkException(NotFoundException):
    """Not an unsubscribe link of ours, or its owner is gone."""

    code = "unsubscribe_link_not_found"
    message = _("This link has expired or was already used.")


class RecipientOptedOutError(PermanentDeliveryError):
    """The recipient told the provider to be left alone; not our failure, and not to be tried again."""


class MailTooLargeException(ValidationException):
    """The mail would be larger than its provider takes."""

    code = "mail_too_large"
    message = _("This mail is too large.")

    @classmethod
    def of(cls, size: int, most: int) -> "MailTooLargeException":
        """The refusal that names both."""
        text = _("With its attachments the mail has %(size)s bytes; %(most)s are allowed.") % {
            "size": size,
            "most": most,
        }
        return cls(details={"attachments": [{"message": str(text), "code": "mail_too_large"}]})


class SmsLimitException(ThrottledException):
    """The spending guard holds a text back: too many went to this number, its country, or in all."""

    message = _("Too many texts were sent. Please try again later.")


class SnsUnreachableError(Exception):
    """Amazon SNS did not give what was asked of it; the text holds no secret."""


class UntrustedReportException(ForbiddenException):
    """A report is not signed by Amazon, or of a topic that is not ours."""

    code = "invalid_signature"
    message = _("This report is not one of ours.")
