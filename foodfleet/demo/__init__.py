"""A generated company to look at the product with: `manage.py demo`."""
