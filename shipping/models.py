"""Where things go, how, for how much, and where they are now."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Prefetch, Q
from django.utils import timezone

from shipping.countries import validate_country
from shipping.errors import IllegalShipmentTransition
from shop_backend.kernel.money import MAX_MINOR, Money


def shop_currency() -> str:
    """Return the currency of new prices."""
    return settings.SHOP_CURRENCY


class AddressFields(models.Model):
    """A postal address. ``country`` is ISO 3166-1 alpha-2."""

    full_name = models.CharField(max_length=150)
    line1 = models.CharField(max_length=200)
    line2 = models.CharField(max_length=200, blank=True, default="")
    city = models.CharField(max_length=100)
    region = models.CharField(max_length=100, blank=True, default="")
    postal_code = models.CharField(max_length=20, blank=True, default="")
    country = models.CharField(max_length=2)
    phone = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        abstract = True


class AddressQuerySet(models.QuerySet["Address"]):
    def for_customer(self, user: Any) -> "AddressQuerySet":
        """Return this user's address book; nothing for an anonymous user."""
        return self.filter(user=user) if user.is_authenticated else self.none()


class Address(AddressFields):
    """One entry of a customer's address book."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="addresses"
    )
    # The user's id on the one default address, empty on the others.
    default_for = models.BigIntegerField(null=True, blank=True, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = AddressQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "addresses"
        constraints = [
            models.CheckConstraint(
                condition=Q(default_for=None) | Q(default_for=F("user")),
                name="address_default_for_its_owner",
            )
        ]

    def __str__(self) -> str:
        return f"{self.full_name}, {self.city}"

    @property
    def is_default(self) -> bool:
        """Whether orders go here when nothing else is said."""
        return self.default_for is not None


class ZoneQuerySet(models.QuerySet["Zone"]):
    def with_areas(self) -> "ZoneQuerySet":
        """Fetch the areas."""
        areas = ZoneArea.objects.order_by("country", "region", "pk")
        return self.prefetch_related(Prefetch("areas", areas))


class Zone(models.Model):
    """A part of the world that some methods serve."""

    name = models.CharField(max_length=100, unique=True)

    objects = ZoneQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class ZoneArea(models.Model):
    """A country of a zone, or one of its regions."""

    zone = models.ForeignKey(Zone, on_delete=models.CASCADE, related_name="areas")
    country = models.CharField(max_length=2, validators=[validate_country])
    region = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["zone", "country", "region"], name="zone_area_once")
        ]

    def __str__(self) -> str:
        return f"{self.country} {self.region}".strip()


class ShippingMethodQuerySet(models.QuerySet["ShippingMethod"]):
    def active(self) -> "ShippingMethodQuerySet":
        """Return what customers may choose."""
        return self.filter(is_active=True)

    def visible_to(self, user: Any) -> "ShippingMethodQuerySet":
        """Return the methods this user may see: staff all, others the active ones."""
        if user.is_authenticated and user.has_perm("shipping.view_shippingmethod"):
            return self
        return self.active()

    def with_zones(self) -> "ShippingMethodQuerySet":
        """Fetch the zones."""
        return self.prefetch_related("zones")

    def with_rates(self) -> "ShippingMethodQuerySet":
        """Fetch the rates, the lightest first."""
        rates = ShippingRate.objects.order_by("from_weight_grams")
        return self.prefetch_related(Prefetch("rates", rates))

    def serving(self, *, country: str, region: str) -> "ShippingMethodQuerySet":
        """Return the methods that go there; a method without zones goes everywhere."""
        here = ZoneArea.objects.filter(zone__methods=OuterRef("pk"), country=country).filter(
            Q(region="") | Q(region__iexact=region)
        )
        limits = Zone.objects.filter(methods=OuterRef("pk"))
        return self.filter(Exists(here) | ~Exists(limits))

    def taking(self, *, subtotal: Money, weight_grams: int) -> "ShippingMethodQuerySet":
        """Return the methods whose bounds, themselves included, hold such a basket."""
        return self.filter(
            _within("subtotal_minor", subtotal.minor),
            _within("weight_grams", weight_grams),
            currency=subtotal.currency,
        )


def _within(measure: str, value: int) -> Q:
    above = Q(**{f"min_{measure}": None}) | Q(**{f"min_{measure}__lte": value})
    below = Q(**{f"max_{measure}": None}) | Q(**{f"max_{measure}__gte": value})
    return above & below


class ShippingMethod(models.Model):
    """A way of sending, its price, and the baskets it takes."""

    name = models.CharField(max_length=100)
    code = models.SlugField(max_length=50, unique=True)
    description = models.CharField(max_length=300, blank=True, default="")
    price_minor = models.BigIntegerField(help_text="Up to the first of its rates, if it has any.")
    free_from_subtotal_minor = models.BigIntegerField(
        null=True, blank=True, help_text="Costs nothing from this subtotal on."
    )
    currency = models.CharField(max_length=3, default=shop_currency, editable=False)
    is_active = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)
    zones = models.ManyToManyField(
        Zone, blank=True, related_name="methods", help_text="None: everywhere."
    )
    min_subtotal_minor = models.BigIntegerField(null=True, blank=True)
    max_subtotal_minor = models.BigIntegerField(null=True, blank=True)
    min_weight_grams = models.PositiveIntegerField(null=True, blank=True)
    max_weight_grams = models.PositiveIntegerField(null=True, blank=True)
    min_days = models.PositiveSmallIntegerField(default=1)
    max_days = models.PositiveSmallIntegerField(default=5)

    objects = ShippingMethodQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(price_minor__gte=0, price_minor__lte=MAX_MINOR),
                name="method_price_in_bounds",
            ),
            models.CheckConstraint(
                condition=Q(
                    free_from_subtotal_minor__gte=0, free_from_subtotal_minor__lte=MAX_MINOR
                ),
                name="method_free_from_in_bounds",
            ),
            models.CheckConstraint(
                condition=Q(min_days__lte=F("max_days")), name="method_days_in_order"
            ),
            models.CheckConstraint(
                condition=Q(min_subtotal_minor__lte=F("max_subtotal_minor")),
                name="method_subtotals_in_order",
            ),
            models.CheckConstraint(
                condition=Q(min_subtotal_minor=None) | Q(min_subtotal_minor__gte=0),
                name="method_min_subtotal_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(max_subtotal_minor=None) | Q(max_subtotal_minor__gte=0),
                name="method_max_subtotal_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(min_weight_grams__lte=F("max_weight_grams")),
                name="method_weights_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def price(self) -> Money:
        """What sending costs, up to the first of the rates."""
        return Money(self.price_minor, self.currency)

    def get_price(self, *, subtotal: Money, weight_grams: int) -> Money:
        """Return what sending such a basket costs: the last rate whose weight it reaches."""
        free_from = self.free_from_subtotal_minor
        if free_from is not None and subtotal >= Money(free_from, self.currency):
            return Money.zero(self.currency)
        reached = [rate for rate in self.rates.all() if rate.from_weight_grams <= weight_grams]
        if not reached:
            return self.price
        return Money(
            max(reached, key=lambda rate: rate.from_weight_grams).price_minor, self.currency
        )

    @property
    def zone_ids(self) -> list[int]:
        """The zones it is limited to; none means everywhere."""
        return sorted(zone.pk for zone in self.zones.all())


class ShippingRate(models.Model):
    """The price of a method from a weight on, until the next rate; the method's currency."""

    method = models.ForeignKey(ShippingMethod, on_delete=models.CASCADE, related_name="rates")
    from_weight_grams = models.PositiveIntegerField()
    price_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["method", "from_weight_grams"], name="shipping_rate_once"
            ),
            models.CheckConstraint(
                condition=Q(
                    from_weight_grams__gt=0, price_minor__gte=0, price_minor__lte=MAX_MINOR
                ),
                name="shipping_rate_in_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method}: from {self.from_weight_grams} g"


class ShipmentQuerySet(models.QuerySet["Shipment"]):
    def visible_to(self, user: Any) -> "ShipmentQuerySet":
        """Return the shipments this user may see: their own; staff's with permission, all."""
        if not user.is_authenticated:
            return self.none()
        if user.has_perm("shipping.view_shipment"):
            return self
        return self.filter(customer=user)

    def with_details(self) -> "ShipmentQuerySet":
        """Fetch the lines and the history."""
        return self.prefetch_related(
            Prefetch("lines", ShipmentLine.objects.order_by("pk")),
            Prefetch("events", ShipmentEvent.objects.order_by("pk")),
        )


class Shipment(models.Model):
    """One parcel for one reference (an order's number)."""

    class Status(models.TextChoices):
        PACKED = "packed"
        SHIPPED = "shipped"
        DELIVERED = "delivered"
        CANCELLED = "cancelled"

    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        Status.PACKED: {Status.SHIPPED, Status.CANCELLED},
        Status.SHIPPED: {Status.DELIVERED},
        Status.DELIVERED: set(),
        Status.CANCELLED: set(),
    }

    reference = models.CharField(max_length=64, db_index=True)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PACKED)
    carrier = models.CharField(max_length=100, blank=True, default="")
    # In capitals, so that it is found in whatever case it is typed.
    tracking_number = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    shipped_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    objects = ShipmentQuerySet.as_manager()

    def __str__(self) -> str:
        return self.tracking_number

    def transition_to(self, status: str) -> None:
        """Move to another status; the caller holds the row's lock and saves.

        :raises IllegalShipmentTransition: the present status does not lead there.
        """
        allowed = self.TRANSITIONS[self.status]
        if status not in allowed:
            raise IllegalShipmentTransition(
                current=str(self.status),
                wanted=str(status),
                allowed=", ".join(sorted(str(step) for step in allowed)) or "nothing",
            )
        self.status = status


class ShipmentLine(models.Model):
    """So many units of one SKU in a parcel."""

    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="lines")
    sku = models.CharField("SKU", max_length=64)
    name = models.CharField(max_length=300)
    quantity = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shipment", "sku"], name="shipment_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="shipment_line_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"


class ShipmentEvent(models.Model):
    """One step of a parcel's way; append-only."""

    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="events")
    status = models.CharField(max_length=10, choices=Shipment.Status.choices)
    actor_id = models.BigIntegerField(null=True, blank=True, help_text="Who, if a person did it.")
    created_at = models.DateTimeField(default=timezone.now)

    APPEND_ONLY: ClassVar[bool] = True

    def __str__(self) -> str:
        return self.status
