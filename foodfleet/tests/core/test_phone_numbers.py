"""One spelling for each phone number."""

import pytest
from django.core.exceptions import ValidationError

from foodfleet.core.phone_numbers import normalize_phone

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "written",
    [
        "+4915123456789",
        " +49 (0)151 / 2345-6789 ",
        "(+49) 151.23456789",
        "＋４９ １５１ ２３４５６７８９",
        "+٤٩١٥١٢٣٤٥٦٧٨٩",
        "\u202a+49 151\u00a023456789\u202c",
    ],
)
def test_a_number_has_one_spelling(written):
    assert normalize_phone(written) == "+4915123456789"


@pytest.mark.parametrize(
    "written",
    [
        "+1 800 FLOWERS",
        "+998 90 123 45 67 ab",
        "Ann +4915123456789",
        "tel:+4915123456789",
        "+4915123456789 ext. 5",
        "+4915123456789;ext=5",
        "+49151+23456789",
        "+49 151\n23456789",
        "004915123456789",
        "+",
    ],
)
def test_letters_and_other_signs_make_no_number(written):
    with pytest.raises(ValidationError, match="country code"):
        normalize_phone(written)
