"""Queries of templates."""

from typing import Any

from django.db import models
from django.db.models import Q


class SmsTemplateQuerySet(models.QuerySet[Any]):
    """SMS templates."""

    def usable(self, name: str) -> "SmsTemplateQuerySet":
        """The active one of this name."""
        return self.filter(name=name, is_active=True)

    def search(self, words: str) -> "SmsTemplateQuerySet":
        """Those whose name, description or content hold all the words."""
        found = self
        for word in words.split():
            found = found.filter(Q(name__icontains=word) | Q(description__icontains=word) | Q(content__icontains=word))
        return found


class EmailOverrideQuerySet(models.QuerySet[Any]):
    """E-mail overrides."""

    def usable(self, template: str) -> "EmailOverrideQuerySet":
        """The active ones of a mail."""
        return self.filter(template=template, is_active=True)
