"""The demo shop: accounts, a warehouse's stock, ways of sending, a catalogue and reviews."""

from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command

from accounts.models import User
from cart.models import Coupon, TaxRate
from catalog.models import TaxClass
from shipping.models import Address, ShippingMethod, Zone, ZoneArea
from shop_backend import demo_reviews
from shop_backend.kernel import transactions

PASSWORD = "demo-shop-2026"  # nosec B105  # load_demo needs DEBUG
CATALOGUE = Path(settings.BASE_DIR) / "catalog" / "demo" / "catalogue.csv"
# username, role, first name, last name
ACCOUNTS = (
    ("admin", "admin", "Ada", "Admin"),
    ("manager", "manager", "Mina", "Manager"),
    ("customer", "customer", "Carla", "Customer"),
)
# code, name, price, days from, days to, countries (none: everywhere), free from
METHODS = (
    ("royal-mail-48", "Royal Mail Tracked 48", 395, 2, 3, ("GB",), None),
    ("free-uk", "Free UK delivery", 0, 3, 5, ("GB",), 5000),
    ("courier-uk", "Next-day courier", 895, 1, 1, ("GB",), None),
    ("worldwide", "Worldwide airmail", 1495, 5, 12, (), None),
)
# The tax that the demo's prices contain, and a code to try: 10 % off.
TAX = ("GB", 200_000, "VAT 20 %")
COUPON = ("WELCOME10", 1_000)


def load() -> None:
    """Load the demo shop; what is there already stays as it is."""
    transactions.run(_load_people_and_methods)
    call_command("import_catalogue", str(CATALOGUE))
    demo_reviews.load(password=PASSWORD, moderator=User.objects.get(username_key="admin"))


def _load_people_and_methods() -> None:
    for username, role, first_name, last_name in ACCOUNTS:
        _load_account(username, role, first_name, last_name)
    for position, method in enumerate(METHODS):
        _load_method(position, *method)
    country, rate_ppm, name = TAX
    TaxRate.objects.get_or_create(
        tax_class=TaxClass.objects.get(is_default=True),
        country=country,
        region="",
        defaults={"rate_ppm": rate_ppm, "name": name},
    )
    code, basis_points = COUPON
    Coupon.objects.get_or_create(
        code=code,
        defaults={
            "kind": Coupon.Kind.PERCENT,
            "percent_basis_points": basis_points,
            "per_customer_limit": 1,
        },
    )


def _load_account(username: str, role: str, first_name: str, last_name: str) -> None:
    if User.objects.filter(username_key=username).exists():
        return
    is_staff = role != "customer"
    user = User.objects.create_user(
        username,
        f"{username}@example.com",
        PASSWORD,
        first_name=first_name,
        last_name=last_name,
        is_staff=is_staff,
        is_superuser=role == "admin",
    )
    user.groups.add(Group.objects.get(name=role))
    if not is_staff:
        Address.objects.create(
            user=user,
            default_for=user.pk,
            full_name=user.get_full_name(),
            line1="1 Market Street",
            city="Manchester",
            postal_code="M1 1AE",
            country="GB",
        )


def _load_method(
    position: int,
    code: str,
    name: str,
    price_minor: int,
    min_days: int,
    max_days: int,
    countries: tuple[str, ...],
    min_subtotal_minor: int | None,
) -> None:
    method, is_new = ShippingMethod.objects.get_or_create(
        code=code,
        defaults={
            "name": name,
            "price_minor": price_minor,
            "min_days": min_days,
            "max_days": max_days,
            "min_subtotal_minor": min_subtotal_minor,
            "position": position,
        },
    )
    if is_new:
        for country in countries:
            zone, _ = Zone.objects.get_or_create(name=f"Country {country}")
            ZoneArea.objects.get_or_create(zone=zone, country=country, region="")
            method.zones.add(zone)
