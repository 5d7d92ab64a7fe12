"""What happened to accounts, said inside the transaction in which it happened.

Sent with `Signal.send`: a receiver that fails rolls the whole event back, so an event and the message that it causes
commit together or not at all. The sender is the User class. Every signal carries `user` and `client`
(foodfleet.core.clients.Client); raw one-time tokens are carried along, because nobody can read them later.
"""

from django.dispatch import Signal

# A new account was made by its owner. verification_token: str, to be mailed.
user_registered = Signal()

# Somebody registered with the address of `user`, who has an account already.
registration_repeated = Signal()

# `user` asked for another confirmation mail. verification_token: str.
verification_requested = Signal()

# The owner proved that the e-mail address is theirs.
email_verified = Signal()

# A sign-in succeeded. session: Session.
signed_in = Signal()
