"""Encoding and segments of SMS."""

import pytest

from notifications.services.compose.segments import measure


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("", "GSM-7", 0),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 3),  # the pair is not split: 152 + 153 + 1
        ("äöüÄÖÜßñé@£¥\n\r", "GSM-7", 1),
        ("[]{}\\~^|€\f" * 8, "GSM-7", 1),
        ("ç", "UCS-2", 1),  # only the capital is there
        ("`", "UCS-2", 1),
        ("“typographic”", "UCS-2", 1),
        ("м" * 70, "UCS-2", 1),
        ("м" * 71, "UCS-2", 2),
        ("м" * 134, "UCS-2", 2),
        ("м" * 135, "UCS-2", 3),
        ("😀" * 35, "UCS-2", 1),
        ("😀" * 36, "UCS-2", 2),
        ("😀" * 67, "UCS-2", 3),  # 33 in a segment: a surrogate pair is not split
    ],
)
def test_segments_follow_3gpp_23_038(text, encoding, segments):
    size = measure(text)
    assert (size.encoding, size.segments) == (encoding, segments)
