"""Loads the demo shop and says how to look at it."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.models import Product
from shop_backend import demo

BANNER = """
  {name} is at {base}

    API       {base}/api/            Swagger  {base}/swagger/
    Admin     {base}/admin/          ReDoc    {base}/redoc/

    Accounts  {accounts}   (password of each: {password})
    Mails     on this console, and as files in {mails}

  Log in and buy something:

    TOKEN=$(curl -s {base}/api/accounts/login/ -H 'Content-Type: application/json' \\
      -d '{{"username": "customer", "password": "{password}"}}' \\
      | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"]["access"])')
    ORDER=$(curl -s {base}/api/orders/ -H "Authorization: Bearer $TOKEN" \\
      -H 'Content-Type: application/json' -H "Idempotency-Key: first-$(date +%s)" \\
      -d '{{"items": [{{"product": "{product}", "quantity": 2}}]}}' \\
      | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"]["number"])')
    curl -s {base}/api/payments/ -H "Authorization: Bearer $TOKEN" \\
      -H 'Content-Type: application/json' \\
      -d "{{\\"order_id\\": \\"$ORDER\\", \\"payment_method\\": \\"pm_card_visa\\"}}"
    curl -s {base}/api/orders/$ORDER/ -H "Authorization: Bearer $TOKEN"
"""


class Command(BaseCommand):
    help = "Loads the demo shop once (again is harmless) and prints how to look at it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--no-banner", action="store_true", help="Load without printing the welcome."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "The demo shop has well-known passwords: it is loaded with DEBUG=True only."
            )
        demo.load()
        if not options["no_banner"]:
            self.stdout.write(self._banner())

    def _banner(self) -> str:
        product = (
            Product.objects.published()
            .filter(options=None, variants__stock_item__levels__on_hand__gte=100)
            .order_by("pk")
            .values_list("slug", flat=True)
            .first()
        )
        return BANNER.format(
            name=settings.SHOP_NAME,
            base=f"http://{settings.HOST}:{settings.PORT}",
            accounts=", ".join(username for username, *_ in demo.ACCOUNTS),
            password=demo.PASSWORD,
            mails=settings.EMAIL_FILE_PATH,
            product=product,
        )
