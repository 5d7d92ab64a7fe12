"""What happened to messages."""

from django.dispatch import Signal

# A message was written, inside the transaction that wrote it. message: Message. The sender is the Message class.
message_queued = Signal()
