"""Files in a bucket of S3."""

from typing import Any

from botocore.config import Config
from storages.backends.s3 import S3Storage  # type: ignore[import-untyped]

from notifications.gateways import amazon


class S3Files(S3Storage):
    """S3 storage with short time-outs, because requests and sender threads wait for it."""

    unavailable_errors = amazon.ERRORS

    def get_default_settings(self) -> dict[str, Any]:
        """Add time-outs to the settings of django-storages."""
        config = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2})
        return {**super().get_default_settings(), "client_config": config, "default_acl": None}
