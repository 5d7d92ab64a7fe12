"""Dates and times as Django writes them for its languages, where what it has is not enough."""
