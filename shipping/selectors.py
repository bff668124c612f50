"""What other apps read from shipping."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Sum

from shipping.errors import AddressNotFound, ShippingMethodNotFound
from shipping.models import Address, Shipment, ShipmentLine, ShippingMethod
from shop_backend.kernel import statements
from shop_backend.kernel.money import Money

_SATURDAY = 5
# For statements that are written out: whether there is any shipment of a reference.
HAS_SHIPMENTS = "EXISTS (SELECT 1 FROM shipping_shipment t WHERE t.reference = {reference})"


@dataclass(frozen=True)
class Quote:
    """A method that takes the basket, its price, and when the parcel would arrive."""

    method: ShippingMethod
    price: Money
    earliest: date
    latest: date


def get_address(*, user: Any, address_id: int) -> Address:
    """Return one address of this user's own book.

    :raises AddressNotFound: it is not there, or another's.
    """
    try:
        return Address.objects.for_customer(user).get(pk=address_id)
    except Address.DoesNotExist as error:
        raise AddressNotFound from error


def get_default_address(*, user: Any) -> Address | None:
    """Return where this user's orders go when nothing else is said."""
    found = statements.fetch(Address, default_for=user.pk) if user.is_authenticated else []
    return found[0] if found else None


def get_quotes(
    *, country: str, region: str, subtotal: Money, weight_grams: int, today: date
) -> list[Quote]:
    """Return the methods that serve the place and take the basket, cheapest first.

    :param country: ISO 3166-1 alpha-2, in capitals.
    :param today: the day on which the parcel would be packed.
    """
    methods = (
        ShippingMethod.objects.active()
        .serving(country=country, region=region)
        .taking(subtotal=subtotal, weight_grams=weight_grams)
        .with_rates()
    )
    quotes = [
        Quote(
            method,
            method.get_price(subtotal=subtotal, weight_grams=weight_grams),
            get_delivery_date(today, business_days=method.min_days),
            get_delivery_date(today, business_days=method.max_days),
        )
        for method in methods
    ]
    return sorted(
        quotes, key=lambda quote: (quote.price.minor, quote.method.position, quote.method.pk)
    )


def get_active_method(*, method_id: int) -> ShippingMethod:
    """Return a method that customers may choose.

    :raises ShippingMethodNotFound: there is none with this id, or it is switched off.
    """
    try:
        return ShippingMethod.objects.active().get(pk=method_id)
    except ShippingMethod.DoesNotExist as error:
        raise ShippingMethodNotFound from error


def get_delivery_date(start: date, *, business_days: int) -> date:
    """Return the day so many business days (Monday to Friday) after ``start``."""
    day = start
    while day.weekday() >= _SATURDAY:  # what is packed at the weekend leaves on Monday
        day += timedelta(days=1)
    for _ in range(business_days):
        day += timedelta(days=1)
        while day.weekday() >= _SATURDAY:
            day += timedelta(days=1)
    return day


def get_shipments(*, references: Iterable[str]) -> dict[str, list[Shipment]]:
    """Return the shipments of each reference, oldest first, with their lines and events."""
    found: dict[str, list[Shipment]] = {reference: [] for reference in references}
    shipments = Shipment.objects.filter(reference__in=list(found)).with_details().order_by("pk")
    for shipment in shipments:
        found[shipment.reference].append(shipment)
    return found


def get_parcelled_units(*, reference: str) -> dict[str, int]:
    """Return how many units of each SKU are in a parcel of this reference."""
    rows = (
        ShipmentLine.objects.filter(shipment__reference=reference)
        .exclude(shipment__status=Shipment.Status.CANCELLED)
        .values("sku")
        .annotate(units=Sum("quantity"))
        .order_by("sku")
    )
    return {row["sku"]: row["units"] for row in rows}
