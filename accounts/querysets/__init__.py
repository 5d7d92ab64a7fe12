"""Queries of MFA, lockout and phone codes."""
