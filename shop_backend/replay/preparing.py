"""Makes the shop ready for the recording: its catalogue, a manager, and what may be replayed."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command

from accounts import services as accounts
from accounts.models import User
from cart.models import TaxRate
from catalog.imports import online_retail
from catalog.imports.online_retail import CURRENCY, Catalogue
from catalog.models import Variant
from shop_backend.kernel import transactions
from shop_backend.replay.driving import Article
from shop_backend.replay.planning import Limits
from shop_backend.replay.progress import MANAGER, has_other_orders


class NotForTheReplay(Exception):
    """This shop is not one to replay a recording in."""


def check_shop() -> None:
    """Look whether the recording fits the shop, and would harm nobody.

    :raises NotForTheReplay: it does not, or it would.
    """
    if settings.SHOP_CURRENCY != CURRENCY:
        raise NotForTheReplay(
            f"The recording's money is {CURRENCY}; this shop's SHOP_CURRENCY is"
            f" {settings.SHOP_CURRENCY}. Set SHOP_CURRENCY={CURRENCY} on a database of its own."
        )
    if settings.PAYMENT_PROVIDER != "sandbox":
        raise NotForTheReplay("It pays with the sandbox's cards: set PAYMENT_PROVIDER=sandbox.")
    if not settings.PRICES_INCLUDE_TAX and TaxRate.objects.exists():
        raise NotForTheReplay(
            "The shop adds tax to its prices, so no total would equal the recording's."
            " Set PRICES_INCLUDE_TAX=True."
        )
    if has_other_orders():
        raise NotForTheReplay(
            "Others have ordered in this shop; the replay wants a database of its own."
        )


def read_catalogue(file: Path) -> Catalogue:
    """Make the recording's catalogue from the whole file."""
    with file.open("rb") as raw:
        return online_retail.build_catalogue(online_retail.read_invoice_lines(raw))


def have_catalogue(catalogue: Catalogue) -> None:
    """Import the SKUs that the shop does not have yet, by ``import_catalogue``."""
    known = set(Variant.objects.standing().values_list("sku", flat=True))
    missing = [row for row in catalogue.rows if row.sku not in known]
    if not missing:
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / "catalogue.csv"
        with file.open("w", encoding="utf-8", newline="") as stream:
            online_retail.write_catalogue(missing, stream)
        call_command("import_catalogue", str(file))


def get_limits(catalogue: Catalogue) -> Limits:
    """Return what the shop takes."""
    return Limits(
        skus=frozenset(row.sku for row in catalogue.rows),
        no_goods={code: rule.rule for rule in catalogue.left_out for code in rule.codes},
        max_line_quantity=settings.MAX_LINE_QUANTITY,
        max_lines=settings.MAX_CART_LINES,
    )


def get_articles() -> dict[str, Article]:
    """Return where each SKU is found, and its present price."""
    rows = Variant.objects.standing().values_list("sku", "product_id", "pk", "price_minor")
    return {sku: Article(product_id, pk, price) for sku, product_id, pk, price in rows}


@contextmanager
def manager() -> Iterator[tuple[str, str]]:
    """Have a manager's account with a new random password; afterwards it has none."""
    password = secrets.token_urlsafe(24)
    user = transactions.run(lambda: _let_in(password))
    try:
        yield MANAGER, password
    finally:
        user.set_unusable_password()
        user.save(update_fields=["password"])
        accounts.revoke_sessions(user=user)


def _let_in(password: str) -> User:
    user = User.objects.filter(username_key=MANAGER).first()
    if user is None:
        user = User.objects.create_user(MANAGER, None, password, is_staff=True)
        user.groups.add(Group.objects.get(name="manager"))
    user.set_password(password)
    user.save(update_fields=["password"])
    return user
