"""Mail that a person at a terminal can read."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.console import EmailBackend

from notifications.gateways.texts import Sms


class ReadableEmailBackend(EmailBackend):
    """Prints sender, recipients, subject and text as they are, where Django's prints MIME with folded links."""

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
    """Prints each text, to be read by a person at a terminal."""

    def send(self, sms: Sms) -> str:
        """Print number and words; there is no id."""
        print(f"\n---- Text to {sms.to}\n\n{sms.text}\n----\n", flush=True)  # noqa: T201  this gateway's purpose
        return ""
