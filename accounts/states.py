"""Closed sets of accounts."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class EndReason(TextChoices):
    """Why a session ended."""

    SIGNED_OUT = "signed_out", _("Signed out")
    ENDED_BY_OWNER = "ended_by_owner", _("Ended by its owner")
    TOKEN_REUSED = "token_reused", _("A refresh token came twice")
    PASSWORD_CHANGED = "password_changed", _("Password changed")
    PASSWORD_RESET = "password_reset", _("Password reset")
    DEACTIVATED = "deactivated", _("Account deactivated")
    LOCKED = "locked", _("Account locked")
    EXPIRED = "expired", _("Expired")
    NOT_ME = "not_me", _("Reported by its owner")


class TokenPurpose(TextChoices):
    """What a one-time token is good for; it serves nothing else."""

    VERIFY_EMAIL = "verify_email", _("Confirm the e-mail address")
    RESET_PASSWORD = "reset_password", _("Choose a new password")
    INVITATION = "invitation", _("Accept an invitation")
    CHANGE_EMAIL = "change_email", _("Confirm a new e-mail address")
    UNDO_EMAIL = "undo_email", _("Undo a change of e-mail address")
    NOT_ME = "not_me", _("That wasn't me")


class EventKind(TextChoices):
    """What a security event tells."""

    REGISTERED = "registered", _("Registered")
    EMAIL_VERIFIED = "email_verified", _("E-mail address confirmed")
    SIGNED_IN = "signed_in", _("Signed in")
    SIGN_IN_FAILED = "sign_in_failed", _("Sign-in failed")
    SIGNED_OUT = "signed_out", _("Signed out")
    TOKEN_REUSED = "token_reused", _("A refresh token came twice")
