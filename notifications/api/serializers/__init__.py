"""Shapes of what goes in and out, a module for each subject; no rules."""
