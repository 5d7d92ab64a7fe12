"""A text as gateways take it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sms:
    """A text, ready to be sent. max_price: in US dollars, '' for no limit of its own."""

    to: str
    text: str
    sender_id: str = ""
    type: str = "Transactional"
    max_price: str = ""
