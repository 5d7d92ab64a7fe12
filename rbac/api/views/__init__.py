"""The API of access, a module for each subject."""
