"""Amazon SES, through django-ses."""

from typing import Any

from django_ses import SESBackend as DjangoSESBackend


class SESBackend(DjangoSESBackend):  # type: ignore[misc]
    """django-ses with its errors raised: `fail_silently` there hides some and not others."""

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=False, **kwargs)
