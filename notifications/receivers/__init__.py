"""What happened -> what is said to whom: a module for each subject, all registered by importing this package."""

from notifications.receivers import (
    contact,
    deletion,
    dispatch,
    export,
    passwords,
    registration,
    second_factor,
    sign_in,
    templates,
)

__all__ = [
    "contact",
    "deletion",
    "dispatch",
    "export",
    "passwords",
    "registration",
    "second_factor",
    "sign_in",
    "templates",
]
