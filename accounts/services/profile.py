"""What users say of themselves."""

from accounts.models import User


def change(*, user: User, first_name: str, last_name: str, language: str) -> None:
    """Replace names and language."""
    user.first_name, user.last_name, user.language = first_name, last_name, language
    user.save(update_fields=["first_name", "last_name", "language"])


def choose_language(*, user: User, language: str) -> None:
    """Show pages and write messages in `language` from now on."""
    user.language = language
    user.save(update_fields=["language"])
