"""Writes the list of error codes to docs/errors.md."""

from typing import Any

from django.core.management.base import BaseCommand

from shop_backend import error_codes


class Command(BaseCommand):
    help = "Writes docs/errors.md from the error classes of all apps."

    def handle(self, *args: Any, **options: Any) -> None:
        error_codes.DOCUMENT.write_text(error_codes.as_markdown())
        self.stdout.write(f"{len(error_codes.all_errors())} codes written")
