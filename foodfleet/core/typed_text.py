"""What people type, in the one form that it is compared in, whichever keyboard it came from."""

import unicodedata

SKIPPED_IN_CODES = frozenset({"Zs", "Cc", "Cf", "Pd"})  # spaces, control and format characters, hyphens and dashes
MINUS = "\u2212"  # not a dash for Unicode, and typed as one


def normalize_password(password: str) -> str:
    """NFKC, so that `é` is one password however a keyboard composes it (NIST SP 800-63B-4, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def normalize_code(code: str) -> str:
    """Digits and lower-case letters of a code: spaces and hyphens do not count, digits of any script do."""
    signs = [char for char in unicodedata.normalize("NFKC", code) if char != MINUS]
    kept = [char for char in signs if unicodedata.category(char) not in SKIPPED_IN_CODES]
    return "".join(str(unicodedata.decimal(char, char)) for char in kept).lower()
