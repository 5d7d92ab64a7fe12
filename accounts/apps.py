from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Who you are: users, sign-in, sessions."""

    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from accounts import checks, receivers  # noqa: F401  receivers registers itself
        from accounts.services import keys

        keys.ensure_files_fit()
        register(checks.check_signing_key, checks.TAG)
