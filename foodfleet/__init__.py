"""FoodFleet: accounts, access and messaging for a food fleet."""

from foodfleet.celery import app as celery_app  # tasks find their application by it

__all__ = ["celery_app"]
