"""Mechanisms of the second factor: how each is made and checked. The flows stand in accounts.services."""
