"""Arabic: Django has a date and a time for it, and writes the two together in English order."""

DATETIME_FORMAT = "j F Y، g:i A"
