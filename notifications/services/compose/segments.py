"""What a text costs: its encoding and the segments that it is sent in (3GPP TS 23.038)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_EXTENDED = frozenset("^{}\\[~]|€\f")  # each goes as an escape and a second character

# (characters in a text of one segment, characters in each segment of a longer one, which carries a header)
GSM_7_LENGTHS = (160, 153)
UCS_2_LENGTHS = (70, 67)


@dataclass(frozen=True)
class Size:
    """How a text travels."""

    encoding: Literal["GSM-7", "UCS-2"]
    segments: int


def measure(text: str) -> Size:
    """The encoding and the number of segments of `text`; none for an empty one."""
    if all(character in GSM_7 or character in GSM_7_EXTENDED for character in text):
        return Size("GSM-7", _count((1 if char in GSM_7 else 2 for char in text), *GSM_7_LENGTHS))
    return Size("UCS-2", _count((1 if ord(char) <= 0xFFFF else 2 for char in text), *UCS_2_LENGTHS))


def _count(widths: Iterable[int], alone: int, joined: int) -> int:
    """Pack characters into segments; an escape pair or a surrogate pair is never split between two."""
    sizes = list(widths)
    if sum(sizes) <= alone:
        return 1 if sizes else 0
    segments, used = 1, 0
    for size in sizes:
        if used + size > joined:
            segments, used = segments + 1, 0
        used += size
    return segments
