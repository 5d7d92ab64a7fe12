"""What the ground floor itself keeps."""

from typing import ClassVar

from django.db import models

from foodfleet.core.querysets import HeartbeatQuerySet, RateCounterQuerySet, SlidingCounterQuerySet, StampQuerySet


class RateCounter(models.Model):
    """How often something happened in one window of time; used where there is no shared cache to count in."""

    key = models.CharField(max_length=160)
    window = models.BigIntegerField(help_text="Number of the window since 1970: Unix time divided by its length.")
    count = models.PositiveIntegerField(default=1)
    expires_at = models.DateTimeField(db_index=True)

    objects: ClassVar[RateCounterQuerySet] = RateCounterQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "window"], name="core_rate_counter_once")]

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"


class SlidingCounter(models.Model):
    """How often something was let happen lately; see foodfleet.core.cache.rate_limits.admit."""

    key = models.CharField(max_length=160, primary_key=True)
    slices = models.JSONField(default=dict, help_text="How often in which slice of time, numbered from 1970.")
    expires_at = models.DateTimeField(db_index=True)

    objects: ClassVar[SlidingCounterQuerySet] = SlidingCounterQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.key}: {sum(self.slices.values())}"


class Stamp(models.Model):
    """The state of something that processes keep in memory; see foodfleet.core.cache.coherent."""

    key = models.CharField(max_length=100, primary_key=True)
    value = models.CharField(max_length=24)

    objects: ClassVar[StampQuerySet] = StampQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.key}: {self.value}"


class Heartbeat(models.Model):
    """When a part that runs by itself was last at work; see foodfleet.core.heartbeats."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    objects: ClassVar[HeartbeatQuerySet] = HeartbeatQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.name}: {self.at}"
