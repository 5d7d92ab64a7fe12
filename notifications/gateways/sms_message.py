"""The SMS that gateways send."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sms:
    """An SMS to send. max_price: in US dollars, '' for none."""

    to: str
    text: str
    sender_id: str = ""
    type: str = "Transactional"
    max_price: str = ""
