"""The pages of notifications, a module for each subject."""
