"""Text of providers, their errors and people: made storable, and without the secrets of messages."""

import re

# Anonymous clients may choose the text that is redacted, so each pattern takes linear time: see foodfleet.core.logging.
ADDRESS = re.compile(r"(?i)\b(https?)(?:://|%3a%2f%2f)([^\s<>\"']++)")
AFTER_HOST = re.compile(r"(?i)[/?#]|%2f|%3f|%23")
TOKEN = re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])", re.ASCII)  # foodfleet.core.crypto.new_token
CODE = re.compile(r"(?<!\d)\d{6}(?!\d)", re.ASCII)
REPLACEMENT = "\ufffd"


def storable(value: object, most: int) -> str:
    """Return `value` as text that every database can store, cut to `most` characters."""
    text = str(value).encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return text.replace("\x00", REPLACEMENT)[:most]


def redact(text: str) -> str:
    """Remove secrets: paths of links, tokens, six-digit codes. Bounces and errors may quote messages."""
    return CODE.sub("…", TOKEN.sub("…", ADDRESS.sub(_without_path, text)))


def _without_path(found: re.Match[str]) -> str:
    """Return the address without the part after its host."""
    begin = AFTER_HOST.search(found[2])
    return f"{found[1]}://{found[2][: begin.start()]}/…" if begin else found[0]
