"""Serializers, one module for each subject."""
