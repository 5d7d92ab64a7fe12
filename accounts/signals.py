"""What happened to accounts, said inside the transaction in which it happened.

Sent with `Signal.send`: a receiver that fails rolls the whole event back, so an event and the message that it causes
commit together or not at all. The sender is the User class. Every signal carries `user` and `client`
(foodfleet.core.http.clients.Client); raw one-time tokens are carried along, because nobody can read them later.
"""

from django.dispatch import Signal

# A new account was made by its owner. verification_token: str, to be mailed; '' where that was done too often.
user_registered = Signal()

# Somebody registered with the address of `user`, who has an account already. verification_token: to be mailed where the
# address is not confirmed yet, else ''.
registration_repeated = Signal()

# `user` asked for another confirmation mail. verification_token: str.
verification_requested = Signal()

# The owner proved that the e-mail address is theirs.
email_verified = Signal()

# The second factor was switched on. method: Method, what with.
two_factor_enabled = Signal()

# The second factor was switched off by its owner.
two_factor_disabled = Signal()

# A backup code was used. remaining: int, how many are left.
backup_code_used = Signal()

# New backup codes were made; the old ones are void.
backup_codes_made = Signal()

# A code is to be texted. phone: str, code: str.
sms_code_requested = Signal()

# Codes were wrong so often in a row that none is taken for a while. until: datetime.
codes_blocked = Signal()

# passkey: Passkey.
passkey_added = Signal()

# name: str, of a passkey that is gone.
passkey_removed = Signal()

# Staff asked to take the second factor from `user`, and a second of them approved. effective_at: datetime.
two_factor_reset_approved = Signal()

# The second factor was taken from `user`, as approved.
two_factor_reset_done = Signal()

# Mails about security carry a "That wasn't me" link: such a signal brings the token for it, `report_token: str`
# (accounts.services.one_time.tokens.issue_report_token), because receivers of other apps call no service of accounts.

# `user` asked for a link to choose a new password. reset_token: str.
password_reset_requested = Signal()

# `user` replaced the password, knowing the old one. report_token.
password_changed = Signal()

# `user` chose a password by a link from a mail; all sessions ended. report_token.
password_reset_done = Signal()

# The owner used a "That wasn't me" link: sessions ended, password unusable. reset_token: str.
compromise_reported = Signal()

# Staff made an account for `user`, who has to choose a password. actor: User | None, invitation_token: str.
user_invited = Signal()

# `user` wants another address. new_email: str, confirm_token: str ('' where the address is taken), undo_token: str,
# report_token.
email_change_requested = Signal()

# The address of `user` has changed. old_email: str, undo_token: str, report_token.
email_changed = Signal()

# A code has to reach `phone: str`, so that `user` can prove that it is theirs. code: str.
phone_code_requested = Signal()

# `user` has another confirmed phone. report_token.
phone_changed = Signal()

# `user` is about to lose all personal data: whoever keeps more of it removes it now. actor: User | None.
user_deleted = Signal()

# `user` asked for all data about them: receivers answer `{name of a section: value of JSON}`.
own_data_requested = Signal()

# Wrong passwords locked sign-in to the account of `user`. until: datetime; report_token: str.
sign_in_locked = Signal()

# `user` signed in on a device that was never seen before. session: Session; report_token: str.
new_device_used = Signal()
