"""One spelling for each e-mail address."""

import unicodedata


def normalize_email(email: str) -> str:
    """The form that an address is kept, looked up and mailed to in: NFKC, lower case, no surrounding white space.

    One form everywhere means that no two spellings which look or compare alike reach two accounts, and that a mail goes
    to the very address that was looked up (compare CVE-2019-19844).
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", email).strip().lower())
