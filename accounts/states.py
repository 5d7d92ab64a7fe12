"""Choices and enumerations of accounts."""

from enum import StrEnum

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from foodfleet.modules import events


class EndReason(TextChoices):
    """Why a session ended."""

    SIGNED_OUT = "signed_out", _("Signed out")
    ENDED_BY_OWNER = "ended_by_owner", _("Ended by its owner")
    ENDED_BY_STAFF = "ended_by_staff", _("Ended by staff")
    TOKEN_REUSED = "token_reused", _("A refresh token was used twice")
    PASSWORD_CHANGED = "password_changed", _("Password changed")
    PASSWORD_RESET = "password_reset", _("Password reset")
    DEACTIVATED = "deactivated", _("Account deactivated")
    LOCKED = "locked", _("Account locked")
    EXPIRED = "expired", _("Expired")
    COMPROMISE_REPORTED = "not_me", _("Reported by its owner")
    MFA_RESET = "second_factor_reset", _("Two-factor authentication reset")
    TWO_FACTOR_ENABLED = "two_factor_enabled", _("Two-factor authentication turned on")
    EMAIL_CHANGED = "email_changed", _("E-mail address changed")
    DELETED = "deleted", _("Account deleted")
    KEY_REVOKED = "key_revoked", _("Signing key revoked")


class TokenPurpose(TextChoices):
    """What a one-time token is issued for."""

    VERIFY_EMAIL = "verify_email", _("Confirm the e-mail address")
    RESET_PASSWORD = "reset_password", _("Choose a new password")
    INVITATION = "invitation", _("Accept an invitation")
    CHANGE_EMAIL = "change_email", _("Confirm a new e-mail address")
    UNDO_EMAIL = "undo_email", _("Undo a change of e-mail address")
    COMPROMISE_REPORTED = "not_me", _("That wasn't me")


class ChallengePurpose(TextChoices):
    """What a challenge is issued for."""

    SIGN_IN = "sign_in", _("Two-factor authentication at sign-in")
    PASSKEY_SIGN_IN = "passkey_sign_in", _("Sign-in by passkey alone")
    PASSKEY_CREATION = "passkey_creation", _("New passkey")
    REAUTHENTICATION = "fresh_proof", _("Re-authentication by passkey")


class Method(TextChoices):
    """MFA methods, in the order in which they are offered."""

    TOTP = "totp", _("Authenticator app")
    BACKUP_CODE = "backup_code", _("Backup code")
    SMS = "sms", _("Text message")
    PASSKEY = "passkey", _("Passkey")


class DeferredJobKind(TextChoices):
    """Kinds of deferred jobs."""

    RESET_LINK = "reset_link", _("Mail a link to choose a password")
    CONFIRMATION = "confirmation", _("Mail another link to confirm an address")
    LOCK = "lock", _("Tell the owner of a lock by wrong passwords")


class EventKind(TextChoices):
    """What a security event records."""

    REGISTERED = "registered", _("Registered")
    EMAIL_VERIFIED = "email_verified", _("E-mail address confirmed")
    SIGNED_IN = "signed_in", _("Signed in")
    SIGN_IN_FAILED = "sign_in_failed", _("Sign-in failed")
    SIGNED_OUT = "signed_out", _("Signed out")
    TOKEN_REUSED = "token_reused", _("A refresh token was used twice")
    PASSWORD_CHANGED = "password_changed", _("Password changed")
    PASSWORD_RESET_REQUESTED = "password_reset_requested", _("Password reset requested")
    PASSWORD_RESET = "password_reset", _("Password reset")
    COMPROMISE_REPORTED = "not_me", _("Reported by its owner")
    EMAIL_CHANGE_REQUESTED = "email_change_requested", _("Change of e-mail address requested")
    EMAIL_CHANGED = "email_changed", _("E-mail address changed")
    EMAIL_CHANGE_UNDONE = "email_change_undone", _("Change of e-mail address undone")
    PHONE_CHANGED = "phone_changed", _("Phone changed")
    USER_CREATED = "user_created", _("Account created by staff")
    USER_INVITED = "user_invited", _("Invited")
    INVITATION_ACCEPTED = "invitation_accepted", _("Invitation accepted")
    VERIFICATION_RESENT = "verification_resent", _("E-mail to confirm the address sent again by staff")
    USER_UPDATED = "user_updated", _("Account changed by staff")
    USER_DEACTIVATED = "user_deactivated", _("Account deactivated")
    USER_ACTIVATED = "user_activated", _("Account activated")
    USER_DELETED = "user_deleted", _("Account deleted")
    DELETION_REQUESTED = "deletion_requested", _("Deletion of the account requested")
    DELETION_CANCELLED = "deletion_cancelled", _("Deletion of the account cancelled")
    DATA_EXPORTED = "data_exported", _("Own data exported")
    SERVICE_ACCOUNT_CREATED = "service_account_created", _("Service account created")
    SERVICE_ACCOUNT_UPDATED = "service_account_updated", _("Service account changed")
    API_KEY_CREATED = "api_key_created", _("API key created")
    API_KEY_REVOKED = "api_key_revoked", _("API key revoked")
    API_KEY_FIRST_USED = "api_key_first_used", _("API key used for the first time")
    API_KEY_REFUSED = "api_key_refused", _("API key refused")
    KEY_ROTATED = "key_rotated", _("Signing key rotated")
    KEY_REVOKED = "key_revoked", _("Signing key revoked")
    SESSION_ENDED = "session_ended", _("A session was ended")
    SESSIONS_ENDED = "sessions_ended", _("All sessions were ended")
    SIGN_IN_LOCKED = "sign_in_locked", _("Sign-in locked after wrong passwords")
    LOCKED = "locked", _("Account locked by staff")
    UNLOCKED = "unlocked", _("Account unlocked")
    TWO_FACTOR_ENABLED = "two_factor_enabled", _("Two-factor authentication turned on")
    TWO_FACTOR_DISABLED = "two_factor_disabled", _("Two-factor authentication turned off")
    TWO_FACTOR_FAILED = "two_factor_failed", _("Wrong two-factor code")
    TWO_FACTOR_BLOCKED = "two_factor_blocked", _("Too many wrong codes")
    TWO_FACTOR_TEXTED = "two_factor_texted", _("Code sent by text message")
    BACKUP_CODE_USED = "backup_code_used", _("Backup code used")
    BACKUP_CODES_MADE = "backup_codes_made", _("New backup codes made")
    PASSKEY_ADDED = "passkey_added", _("Passkey added")
    PASSKEY_CHANGED = "passkey_changed", _("Passkey changed")
    PASSKEY_REMOVED = "passkey_removed", _("Passkey removed")
    PASSKEY_COPIED = "passkey_copied", _("A passkey's counter went back: it may have been copied")
    BROWSER_TRUSTED = "browser_trusted", _("Browser remembered")
    BROWSER_FORGOTTEN = "browser_forgotten", _("Browser forgotten")
    TWO_FACTOR_RESET_REQUESTED = "two_factor_reset_requested", _("Two-factor reset requested")
    TWO_FACTOR_RESET_APPROVED = "two_factor_reset_approved", _("Two-factor reset approved")
    TWO_FACTOR_RESET_CANCELLED = "two_factor_reset_cancelled", _("Two-factor reset cancelled")
    TWO_FACTOR_RESET_DONE = "two_factor_reset_done", _("Two-factor authentication reset")
    ROLE_GRANTED = "role_granted", _("Role given")
    ROLE_REVOKED = "role_revoked", _("Role taken away")
    ROLE_CHANGED = "role_changed", _("Role made, changed or deleted")
    PERMISSION_CHANGED = "permission_changed", _("Permission added or deleted")
    TEMPLATE_CHANGED = "template_changed", _("Template added, changed or deleted")
    SUPPRESSION_ADDED = "suppression_added", _("Address suppressed by staff")
    SUPPRESSION_LIFTED = "suppression_lifted", _("Suppression lifted by staff")
    VIEWING_STARTED = "viewing_started", _("Staff started viewing the product as this user")
    VIEWING_PAGE = "viewing_page", _("Staff saw a page as this user")
    VIEWING_ENDED = "viewing_ended", _("Staff stopped viewing the product as this user")
    USERS_EXPORTED = "users_exported", _("List of users exported")
    EVENTS_EXPORTED = "events_exported", _("List of security events exported")
    MESSAGES_EXPORTED = "messages_exported", _("List of messages exported")
    WEBHOOK_CHANGED = "webhook_changed", _("Webhook endpoint added, changed or deleted")
    SCOPE_CREATED = "scope_created", _("Scope created")
    SCOPE_UPDATED = "scope_updated", _("Scope changed")
    SCOPE_DELETED = "scope_deleted", _("Scope deleted")
    SCOPE_MEMBER_ADDED = "scope_member_added", _("Member added to a scope")
    SCOPE_MEMBER_REMOVED = "scope_member_removed", _("Member removed from a scope")


def event_kinds() -> list[tuple[str, str | Promise]]:
    """Return every kind of security event with its label: those of EventKind and those that modules declare."""
    return [*EventKind.choices, *events.kinds()]


def event_label(kind: str) -> str:
    """Return the label of a kind of security event; the kind itself if a module that is gone declared it."""
    if kind in EventKind:
        return str(EventKind(kind).label)
    return str(dict(events.kinds()).get(kind, kind))


class Audience(StrEnum):
    """Who may see or change a custom attribute."""

    OWNER = "owner"  # the owner and staff
    STAFF = "staff"  # only staff
    HIDDEN = "hidden"  # nobody sees it
    IMPORT = "import"  # only imports change it


class AuthenticationMethod(StrEnum):
    """How a user authenticated: values of the claim `amr` (RFC 8176)."""

    PASSWORD = "pwd"
    OTP = "otp"
    SMS = "sms"
    HARDWARE_KEY = "hwk"  # a passkey that cannot leave its device
    SOFTWARE_KEY = "swk"  # a passkey that may be synchronised
    MULTIPLE = "mfa"  # by more than one method
