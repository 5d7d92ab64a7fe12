"""What happened -> what follows from it in accounts: a module for each subject, all registered by importing this."""

from accounts.receivers import access, browsers, second_factor

__all__ = ["access", "browsers", "second_factor"]
