"""Signals of accounts, sent inside the transaction of the change.

They are sent with `Signal.send`: an exception in a receiver rolls the change back, so a change and its messages commit
together. The sender is the User class. Every signal has `user` and, unless it says otherwise, `client`
(foodfleet.core.http.clients.Client). Raw one-time tokens are arguments, because only their digests are stored.
"""

from django.dispatch import Signal

# Somebody registered `user`. verification_token: str, to be mailed; '' if the address was mailed too often.
user_registered = Signal()

# Somebody registered with the address of `user`, who has an account already. verification_token: str, to be mailed; ''
# if the address is confirmed.
registration_repeated = Signal()

# `user` requested another verification e-mail. verification_token: str.
verification_requested = Signal()

# The owner verified the e-mail address.
email_verified = Signal()

# MFA was turned on. method: Method, the first method.
two_factor_enabled = Signal()

# The owner turned MFA off.
two_factor_disabled = Signal()

# A backup code was used. remaining: int, the number of unused codes.
backup_code_used = Signal()

# New backup codes replaced the old ones.
backup_codes_made = Signal()

# A code has to be sent by SMS. phone: str, code: str.
sms_code_requested = Signal()

# Too many MFA codes in a row were wrong: none is accepted before `until: datetime`.
codes_blocked = Signal()

# passkey: Passkey.
passkey_added = Signal()

# name: str, of the removed passkey.
passkey_removed = Signal()

# Staff requested and approved a reset of the MFA of `user`. effective_at: datetime.
two_factor_reset_approved = Signal()

# The approved reset removed the MFA methods of `user`.
two_factor_reset_done = Signal()

# Security e-mails contain a "That wasn't me" link. Signals that cause such an e-mail pass its token, `report_token:
# str` (accounts.services.one_time.tokens.issue_report_token), because receivers in other apps call no service of
# accounts.

# `user` requested a link to choose a new password. reset_token: str.
password_reset_requested = Signal()

# `user` or staff changed the password. report_token.
password_changed = Signal()

# `user` chose a password with a link from an e-mail; all sessions ended. report_token.
password_reset_done = Signal()

# The owner reported a compromise: all sessions ended, the password is disabled. reset_token: str.
compromise_reported = Signal()

# Staff created an account for `user`, who has to choose a password. actor: User | None, invitation_token: str.
user_invited = Signal()

# `user` requested another address. new_email: str, confirm_token: str ('' if the address is taken), undo_token: str,
# report_token.
email_change_requested = Signal()

# The address of `user` has changed. old_email: str, undo_token: str, report_token.
email_changed = Signal()

# A code has to be sent to `phone: str`, so that `user` can confirm the number. code: str.
phone_code_requested = Signal()

# The confirmed phone of `user` has changed or was removed. report_token.
phone_changed = Signal()

# A security event was recorded. kind: EventKind; users: Sequence[User], whom it concerns (empty: no account);
# details: dict, as recorded. It has no `user`. It is sent for every event, so receivers must be fast.
event_recorded = Signal()

# Sessions ended. sessions: SessionQuerySet of these sessions, not evaluated yet. It has neither `user` nor `client`.
sessions_ended = Signal()

# The owner changed names, language or attributes. There is no `client`.
profile_changed = Signal()

# The account of `user` is being deleted. Each app decides about its own rows: it deletes them or clears the reference.
# A receiver that raises an exception, such as ConflictException, prevents the deletion. The row of the user stays,
# without personal data, so `on_delete` has no effect. actor: User | None.
user_deleted = Signal()

# `user` requested the deletion of their own account, at `user.deletion_due_at`. report_token.
deletion_requested = Signal()

# The account of `user` will be deleted within three days, as they requested. report_token.
deletion_coming = Signal()

# The account was deleted, as its owner requested. email, language, first_name: str, which `user` has no longer.
own_account_deleted = Signal()

# `user` exports all data about them: receivers return `{section: JSON value}`.
own_data_requested = Signal()

# Wrong passwords locked sign-in to the account of `user`. until: datetime; report_token: str.
sign_in_locked = Signal()

# `user` signed in on an unknown device. session: Session; report_token: str.
new_device_used = Signal()

# An access token for `user` is made: receivers return `{claim: JSON value}`, without reserved claims
# (accounts.services.jwt.claims). session: Session. There is no `client`. It is sent for every token, so receivers must
# be fast.
token_claims_requested = Signal()
