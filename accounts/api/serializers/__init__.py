"""Serializers of accounts: the shape of input and output, no rules."""
