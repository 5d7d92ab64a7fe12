"""What people type, in the form that it is compared in."""

import pytest

from foodfleet.core.typed_text import normalize_code

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "typed",
    ["k7m2x-9xqpr", "K7M2X 9XQPR", "k7m2x\u20119xqpr", "k7m2x\u20149xqpr", "k7m2x\u22129xqpr", "k7m2x\u00ad9xqpr",
     "Ｋ７Ｍ２Ｘ－９ＸＱＰＲ", "\u200ek7m2x\u00a09xqpr\n", "k٧m٢x-٩xqpr"],
)  # fmt: skip
def test_hyphens_spaces_and_scripts_do_not_count_in_codes(typed):
    assert normalize_code(typed) == "k7m2x9xqpr"


@pytest.mark.parametrize("typed", ["123 456", "１２３４５６", "123\u2013456", "١٢٣٤٥٦"])
def test_digits_of_any_script_are_the_code(typed):
    assert normalize_code(typed) == "123456"
