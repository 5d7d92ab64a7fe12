"""One spelling for each e-mail address."""

import pytest

from foodfleet.core.email_addresses import normalize_email

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("written", "normalized"),
    [
        (" Ann@Example.COM ", "ann@example.com"),
        ("ann@xn--mller-kva.example", "ann@müller.example"),
        ("ann@XN--MLLER-KVA.example", "ann@müller.example"),
        ("ann@MÜLLER.example", "ann@müller.example"),
        ("ann@straße.example", "ann@straße.example"),  # IDNA 2008: another domain than `strasse`
        ("ann@STRAẞE.example", "ann@straße.example"),
        ("ann@xn--strae-oqa.example", "ann@straße.example"),
        ("ann@βόλος.example", "ann@βόλος.example"),
        ("ann@exam\u200bple.org", "ann@example.org"),
        ("ann@例え。テスト", "ann@例え.テスト"),
        ("ann@xn--nothing-at-all-99999", "ann@xn--nothing-at-all-99999"),
        ("ann@" + "ü" * 80 + ".example", "ann@" + "ü" * 80 + ".example"),
        ("ann@example.com.", "ann@example.com"),
        ("no address", "no address"),
        ("no address.", "no address."),
    ],
)
def test_an_address_has_one_spelling(written, normalized):
    assert normalize_email(written) == normalized
    assert normalize_email(normalized) == normalized
