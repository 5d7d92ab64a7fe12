"""Normalise typed text, so that it compares equal from any keyboard."""

import unicodedata

from foodfleet.core.email_addresses import normalize_email

SKIPPED_IN_CODES = frozenset({"Zs", "Cc", "Cf", "Pd"})  # spaces, control and format characters, hyphens and dashes
MINUS = "\u2212"  # not a dash for Unicode, and typed as one

WORDS_OF_A_SEARCH = 5  # each one narrows it down
INDEXED_LENGTH = 3  # of a word from which a trigram index helps wherever it stands


def fold(text: str) -> str:
    """The form that text is searched in: NFKC and without case, by Python, because SQLite knows ASCII alone."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def searchable(*texts: str) -> str:
    """The value of a search column for these texts: each word after a space."""
    return "".join(f" {word}" for text in texts for word in fold(text).split())


def searched_words(text: str) -> list[str]:
    """The words of a search, normalised; e-mail addresses as they are stored."""
    words = text.split()[:WORDS_OF_A_SEARCH]
    return [fold(normalize_email(word) if "@" in word else word) for word in words]


def searched_parts(text: str) -> list[str]:
    """The conditions of a search, all of which must match: parts of words, or prefixes of very short words."""
    return [word if len(word) >= INDEXED_LENGTH else f" {word}" for word in searched_words(text)]


def normalize_password(password: str) -> str:
    """NFKC, so that `é` is one password however a keyboard composes it (NIST SP 800-63B-4, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def normalize_code(code: str) -> str:
    """Digits and lower-case letters of a code: spaces and hyphens do not count, digits of any script do."""
    signs = [char for char in unicodedata.normalize("NFKC", code) if char != MINUS]
    remaining = [char for char in signs if unicodedata.category(char) not in SKIPPED_IN_CODES]
    return "".join(str(unicodedata.decimal(char, char)) for char in remaining).lower()
