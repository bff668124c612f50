"""Writes the published API document to docs/api/swagger.json."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.test import Client

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "api" / "swagger.json"


class Command(BaseCommand):
    help = "Writes docs/api/swagger.json, as the server publishes it."

    def handle(self, *args: Any, **options: Any) -> None:
        response = Client(SERVER_NAME="localhost").get("/swagger.json")
        DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
        DOCUMENT.write_text(json.dumps(response.json(), indent=1, ensure_ascii=False) + "\n")
        self.stdout.write(f"{len(response.json()['paths'])} paths written to {DOCUMENT.name}")
