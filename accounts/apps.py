from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Users, sign-in, sessions and MFA."""

    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from accounts import receivers  # noqa: F401  registers itself
        from accounts.models import SigningKey, TOTPDevice, totp
        from accounts.services.account import attribute_schema, password_reset, registration  # noqa: F401  register deferred jobs
        from accounts.services.jwt import claims, keyring
        from accounts.services.limits import lockout  # noqa: F401  registers a deferred job
        from foodfleet.core.database import encrypted

        encrypted.COLUMNS += [
            encrypted.Column("Secrets of authenticator apps", TOTPDevice, "secret", totp.PURPOSE),
            encrypted.Column("Keys that sign tokens", SigningKey, "secret_ciphertext", keyring.PURPOSE),
        ]
        keyring.ensure_files_valid()
        attribute_schema.ensure_valid()
        claims.ensure_valid()
