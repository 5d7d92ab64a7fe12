"""The API of accounts, a module for each subject."""
