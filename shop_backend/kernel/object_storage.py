"""Product images in an object storage. Imported with MEDIA_S3_BUCKET alone, as boto3 is."""

from typing import Any

from botocore.config import Config
from storages.backends.s3 import S3Storage


class ObjectStorage(S3Storage):
    """A bucket whose files anybody may read at MEDIA_URL, and nobody changes."""

    def get_default_settings(self) -> dict[str, Any]:
        return {
            **super().get_default_settings(),
            "querystring_auth": False,  # addresses that can be cached for ever, made without S3
            "file_overwrite": True,  # names are drawn at random: nothing to look for beforehand
            "object_parameters": {"CacheControl": "public, max-age=31536000, immutable"},
            # A storage that does not answer must not hold a thread for boto3's five minutes.
            "client_config": Config(
                connect_timeout=3,
                read_timeout=10,
                retries={"mode": "standard", "total_max_attempts": 2},
            ),
        }
