"""Shapes of what pages take in, a module for each subject; the rules are in the services."""
