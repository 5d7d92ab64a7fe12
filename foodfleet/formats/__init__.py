"""Formats of dates and times for languages whose formats in Django are incomplete (FORMAT_MODULE_PATH)."""
