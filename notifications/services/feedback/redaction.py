"""What others say about our messages, without what opened an account: a refusal may quote the mail that it refuses."""

import re

# Each pattern takes time in proportion to the text, which strangers may choose: see foodfleet.core.logging.
ADDRESS = re.compile(r"(?i)\b(https?)(?:://|%3a%2f%2f)([^\s<>\"']++)")
AFTER_HOST = re.compile(r"(?i)[/?#]|%2f|%3f|%23")
TOKEN = re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])", re.ASCII)  # foodfleet.core.crypto.new_token
CODE = re.compile(r"(?<!\d)\d{6}(?!\d)", re.ASCII)
REPLACEMENT = "\ufffd"


def plain(value: object, most: int) -> str:
    """`value` as a text of at most `most` characters that every database can keep."""
    text = str(value).encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return text.replace("\x00", REPLACEMENT)[:most]


def without_secrets(text: str) -> str:
    """`text` without paths of links, tokens and codes of six digits."""
    return CODE.sub("…", TOKEN.sub("…", ADDRESS.sub(_without_path, text)))


def _without_path(found: re.Match[str]) -> str:
    """The address with its host alone; as it was, where it is no more than that."""
    begin = AFTER_HOST.search(found[2])
    return f"{found[1]}://{found[2][: begin.start()]}/…" if begin else found[0]
