"""Amazon SES, through django-ses."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django_ses import SESBackend as DjangoSESBackend

from notifications.gateways import amazon


class SESBackend(DjangoSESBackend):  # type: ignore[misc]
    """django-ses on one client a process (its own makes one a mail, a tenth of a second each), with errors raised.

    Its own throttle is off: it knows one process and sleeps, where notifications.services.quota knows all of them.
    """

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=False, use_ses_v2=settings.SES_API == "v2", **kwargs)
        self._throttle = None

    def open(self) -> bool:
        """Take the process's client."""
        self.connection = amazon.client("sesv2" if self._use_ses_v2 else "ses")
        return True


def max_per_second() -> float | None:
    """The account's rate in recipients a second, asked of SES itself; None where it has no limit.

    Raises TemporaryDeliveryError or PermanentDeliveryError.
    """
    try:
        quota = amazon.client("ses").get_send_quota()
    except (ClientError, BotoCoreError) as error:
        raise amazon.sorted_error(error) from error
    rate = float(quota["MaxSendRate"])
    return rate if rate > 0 else None  # -1: unlimited
