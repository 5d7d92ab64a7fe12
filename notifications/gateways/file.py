"""SMS as files, for tests and for machines without a provider."""

import time
import uuid
from pathlib import Path

from notifications.exceptions import TemporaryDeliveryError
from notifications.gateways.sms_message import Sms


class FileSmsGateway:
    """Writes each SMS to a file: headers, an empty line, the text."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def send(self, sms: Sms) -> str:
        """Write the file atomically; its name is the provider's id."""
        name = f"{time.time_ns()}-{uuid.uuid4().hex}"
        headers = {"To": sms.to, "Sender-ID": sms.sender_id, "Type": sms.type, "Max-Price": sms.max_price}
        lines = [f"{header}: {value}" for header, value in headers.items() if value]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished = self._folder / f".{name}"
            unfinished.write_text("\n".join([*lines, "", sms.text, ""]), encoding="utf-8")
            unfinished.rename(self._folder / f"{name}.txt")
        except OSError as error:
            raise TemporaryDeliveryError(
                f"The folder of SMS_URL cannot be written ({type(error).__name__})."
            ) from error
        return name
