"""Normalise typed text, so that it compares equal from any keyboard."""

import unicodedata

from foodfleet.core.email_addresses import normalize_email

SKIPPED_IN_CODES = frozenset({"Zs", "Cc", "Cf", "Pd"})  # spaces, control and format characters, hyphens and dashes
MINUS = "\u2212"  # not a dash for Unicode, and typed as one

WORDS_OF_A_SEARCH = 5  # each one narrows it down
INDEXED_LENGTH = 3  # characters from which a trigram index finds a part of a word


def fold(text: str) -> str:
    """Return the form in which text is searched: NFKC and case-folded, by Python, since SQLite folds only ASCII."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def searchable(*texts: str) -> str:
    """Return the value of a search column for these texts, with a space before each word."""
    return "".join(f" {word}" for text in texts for word in fold(text).split())


def searched_words(text: str) -> list[str]:
    """Return the normalised words of a search; e-mail addresses as they are stored."""
    words = text.split()[:WORDS_OF_A_SEARCH]
    return [fold(normalize_email(word) if "@" in word else word) for word in words]


def searched_parts(text: str) -> list[str]:
    """Return the substrings that must all match: parts of words, or the beginnings of words for very short ones."""
    return [word if len(word) >= INDEXED_LENGTH else f" {word}" for word in searched_words(text)]


def normalize_password(password: str) -> str:
    """Return the password in NFKC, so that `é` is the same in any encoding (NIST SP 800-63B-4, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def normalize_code(code: str) -> str:
    """Return the ASCII digits and lower-case letters of a code, without spaces and hyphens. Converts other digits."""
    signs = [char for char in unicodedata.normalize("NFKC", code) if char != MINUS]
    remaining = [char for char in signs if unicodedata.category(char) not in SKIPPED_IN_CODES]
    return "".join(str(unicodedata.decimal(char, char)) for char in remaining).lower()
