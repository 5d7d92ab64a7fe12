"""An SMS as gateways take it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sms:
    """An SMS, ready to be sent. max_price: in US dollars, '' for none."""

    to: str
    text: str
    sender_id: str = ""
    type: str = "Transactional"
    max_price: str = ""
