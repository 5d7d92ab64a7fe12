"""API views, one module for each subject."""
