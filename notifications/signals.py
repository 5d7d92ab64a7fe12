"""Signals of notifications."""

from django.dispatch import Signal

# A message was queued, in its transaction. message: Message. The sender is the Message class.
message_queued = Signal()
