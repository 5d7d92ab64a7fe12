"""Codes that prove a phone number."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models.users import E164, User
from accounts.querysets.phone_codes import PhoneCodeQuerySet


class PhoneCode(models.Model):
    """The code on its way to a number that a user says is theirs; the newest one alone counts."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="phone_code")
    phone = models.CharField(max_length=16, validators=[E164])
    digest = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()

    objects: ClassVar[PhoneCodeQuerySet] = PhoneCodeQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at:%Y-%m-%d %H:%M}"
