"""Prints e-mail and SMS to the terminal in readable form."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.console import EmailBackend

from notifications.gateways.sms_message import Sms


class ReadableEmailBackend(EmailBackend):
    """Prints sender, recipients, subject and text, where Django's backend prints MIME with folded links."""

    def write_message(self, message: EmailMessage) -> None:
        recipients = ", ".join(message.recipients())
        lines: Sequence[str] = (
            "",
            f"---- E-mail to {recipients}",
            f"From: {message.from_email}",
            f"Subject: {message.subject}",
            "",
            str(message.body),
            "----",
            "",
        )
        self.stream.write("\n".join(lines))


class ConsoleSmsGateway:
    """Prints each SMS."""

    def send(self, sms: Sms) -> str:
        """Print number and text; there is no id."""
        print(f"\n---- SMS to {sms.to}\n\n{sms.text}\n----\n", flush=True)  # noqa: T201  the purpose of this gateway
        return ""
