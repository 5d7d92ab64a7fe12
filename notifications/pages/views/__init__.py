"""Page views, one module for each subject."""
