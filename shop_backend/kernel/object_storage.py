"""Product images in an object storage. Imported with MEDIA_S3_BUCKET alone, as boto3 is."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

from shop_backend.kernel.errors import FilesUnavailable

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        logger.error("the object storage refused or did not answer: %s", error)
        raise FilesUnavailable from error


class ObjectStorage(S3Storage):
    """A bucket whose files anybody may read at MEDIA_URL, and nobody changes.

    Writing and deleting raise ``FilesUnavailable`` where it refuses or does not answer.
    """

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

    def _save(self, name: str, content: File) -> str:
        with _reached():
            saved: str = super()._save(name, content)
        return saved

    def delete(self, name: str) -> None:
        with _reached():
            super().delete(name)
