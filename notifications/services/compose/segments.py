"""The encoding of an SMS and the number of segments that it is charged for (3GPP TS 23.038)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_EXTENDED = frozenset("^{}\\[~]|€\f")  # each is sent as an escape and a second character

# (characters of an SMS of one segment, characters in each segment of a longer one, which has a header)
GSM_7_LENGTHS = (160, 153)
UCS_2_LENGTHS = (70, 67)


@dataclass(frozen=True)
class Size:
    """The encoding and the number of segments of an SMS. left: characters until one more segment is needed."""

    encoding: Literal["GSM-7", "UCS-2"]
    segments: int
    left: int = 0


def measure(text: str) -> Size:
    """Return the encoding and the number of segments of `text`; an empty one has none."""
    if all(character in GSM_7 or character in GSM_7_EXTENDED for character in text):
        return Size("GSM-7", *_count((1 if char in GSM_7 else 2 for char in text), *GSM_7_LENGTHS))
    return Size("UCS-2", *_count((1 if ord(char) <= 0xFFFF else 2 for char in text), *UCS_2_LENGTHS))


def _count(widths: Iterable[int], alone: int, joined: int) -> tuple[int, int]:
    """Count segments and what is left of the last one, without splitting an escape pair or a surrogate pair."""
    sizes = list(widths)
    if (total := sum(sizes)) <= alone:
        return (1 if sizes else 0), alone - total
    segments, used = 1, 0
    for size in sizes:
        if used + size > joined:
            segments, used = segments + 1, 0
        used += size
    return segments, joined - used
