"""The API of notifications, a module for each subject."""
