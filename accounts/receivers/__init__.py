"""Signal receivers of accounts, a module for each subject. Importing the package registers them."""

from accounts.receivers import access, browsers, checks, mfa, modules

__all__ = ["access", "browsers", "checks", "mfa", "modules"]
