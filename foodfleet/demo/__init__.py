"""A generated company for demonstrations: `manage.py demo`."""
