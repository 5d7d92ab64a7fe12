"""Arabic. Django has no DATETIME_FORMAT for it, and falls back to the English order."""

DATETIME_FORMAT = "j F Y، g:i A"
