"""Devices that signed in to an address before."""

from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class KnownDeviceQuerySet(models.QuerySet["KnownDevice"]):
    """Known devices, by the digests of an address and of the device's id."""

    def at(self, address: str, device: str) -> "KnownDeviceQuerySet":
        """Filter the row of a device that is known at an address; none if `device` is ''."""
        return self.filter(address=address, device=device)

    def of(self, address: str) -> "KnownDeviceQuerySet":
        """Filter the devices that are known at an address."""
        return self.filter(address=address)

    def replace(self, device: str, successor: str) -> int:
        """Replace a device's digest at every address, because one cookie serves for all; return the number of rows."""
        return self.filter(device=device).update(device=successor, signed_in_at=timezone.now())

    def unused_since(self, time: datetime) -> "KnownDeviceQuerySet":
        """Filter devices on which nobody signed in since `time`."""
        return self.filter(signed_in_at__lt=time)


class KnownDevice(models.Model):
    """A device that signed in to an address before (OWASP "device cookies"): its attempts are counted separately.

    Attempts from unknown devices are counted for the address, so they never lock out the owner's known devices.
    """

    address = models.CharField(max_length=64, help_text=_("Keyed digest of the e-mail address."))
    device = models.CharField(max_length=64, db_index=True, help_text=_("Digest of the device's id."))
    signed_in_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = KnownDeviceQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["address", "device"], name="accounts_known_device_once")]

    def __str__(self) -> str:
        return f"{self.address[:8]} {self.device[:8]}"
