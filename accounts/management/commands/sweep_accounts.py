from typing import Any

from django.core.management.base import BaseCommand

from accounts import services


class Command(BaseCommand):
    help = "Delete dead registrations, expired codes, old sessions and the like."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, count in services.sweep().items():
            self.stdout.write(f"{name}: {count} deleted")
