"""Trucks."""

from django.db import models

from rbac.models import ScopedQuerySet


class Truck(models.Model):
    """A truck of one fleet, or of none: then permissions must be held everywhere."""

    name = models.CharField(max_length=150)
    scope = models.CharField(max_length=100, blank=True, help_text="The fleet, such as fleet:12.")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "name"], name="trucks_truck_name_once")]

    def __str__(self) -> str:
        return self.name
