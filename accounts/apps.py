from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Who you are: users, sign-in, sessions."""

    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from accounts import receivers  # noqa: F401  registers itself
        from accounts.models import SigningKey, TOTPDevice
        from accounts.second_factor import totp
        from accounts.services import keys
        from foodfleet.core import encrypted

        encrypted.COLUMNS += [
            encrypted.Column("Secrets of authenticator apps", TOTPDevice, "secret", totp.PURPOSE),
            encrypted.Column("Keys that sign tokens", SigningKey, "secret_box", keys.PURPOSE),
        ]
        keys.ensure_files_fit()
