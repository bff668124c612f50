"""What is on the shelves: items by SKU, never products."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

MAX_UNITS = 1_000_000_000
SHOWN_TO_CUSTOMERS = 100  # how much there really is, is the shop's own business


class StockItemQuerySet(models.QuerySet["StockItem"]):
    def with_totals(self) -> "StockItemQuerySet":
        """Add ``on_hand`` and ``reserved`` everywhere, and ``sellable`` at active locations."""
        free = F("levels__on_hand") - F("levels__reserved")
        is_active = Q(levels__location__is_active=True)
        return self.annotate(
            on_hand=Coalesce(Sum("levels__on_hand"), 0),
            reserved=Coalesce(Sum("levels__reserved"), 0),
            sellable=Coalesce(Sum(free, filter=is_active), 0),
        )

    def with_low_stock_at(self) -> "StockItemQuerySet":
        """Add ``low_at``: the available units at which the item runs low."""
        # The greatest of its one: MariaDB's HAVING wants an aggregate.
        own = models.Max("low_stock_threshold")
        return self.annotate(low_at=Coalesce(own, Value(settings.LOW_STOCK_THRESHOLD)))

    def with_levels(self) -> "StockItemQuerySet":
        """Fetch the levels and their locations."""
        levels = StockLevel.objects.select_related("location").order_by("location__priority", "pk")
        return self.prefetch_related(models.Prefetch("levels", levels))


class StockItem(models.Model):
    """One SKU that can lie on a shelf."""

    sku = models.CharField("SKU", max_length=64, unique=True)
    is_tracked = models.BooleanField(
        default=True, help_text="Untracked items are always available (downloads, services)."
    )
    low_stock_threshold = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Available units at which it runs low; empty: the shop's LOW_STOCK_THRESHOLD.",
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects = StockItemQuerySet.as_manager()

    def __str__(self) -> str:
        return self.sku

    @property
    def runs_low_at(self) -> int:
        """The available units at which it runs low: its own number, or the shop's."""
        own = self.low_stock_threshold
        return settings.LOW_STOCK_THRESHOLD if own is None else own


class Location(models.Model):
    """A warehouse or a shop floor."""

    code = models.SlugField(max_length=32, unique=True)
    name = models.CharField(max_length=100)
    priority = models.PositiveSmallIntegerField(
        default=100, help_text="Stock is taken from the lowest number first."
    )
    is_active = models.BooleanField(default=True, help_text="Sells from here.")

    def __str__(self) -> str:
        return self.name


class StockLevelQuerySet(models.QuerySet["StockLevel"]):
    def for_sale(self) -> "StockLevelQuerySet":
        """Return the levels at locations that sell."""
        return self.filter(location__is_active=True)


class StockLevel(models.Model):
    """How many units of one item lie at one location. A cache of the ledger."""

    item = models.ForeignKey(StockItem, on_delete=models.PROTECT, related_name="levels")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="levels")
    on_hand = models.PositiveIntegerField(default=0)
    reserved = models.PositiveIntegerField(default=0)

    objects = StockLevelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "location"], name="stock_level_once"),
            models.CheckConstraint(condition=Q(on_hand__gte=0), name="stock_on_hand_not_negative"),
            models.CheckConstraint(
                condition=Q(reserved__gte=0) & Q(reserved__lte=F("on_hand")),
                name="stock_reserved_within_on_hand",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item} at {self.location}"

    @property
    def available(self) -> int:
        """Units on hand that nobody has reserved."""
        return self.on_hand - self.reserved


class ReservationQuerySet(models.QuerySet["Reservation"]):
    def held(self) -> "ReservationQuerySet":
        """Return what is still put aside."""
        return self.filter(status=Reservation.Status.HELD)

    def units(self) -> int:
        """Return the sum of their units."""
        return self.aggregate(units=Sum("quantity"))["units"] or 0


class Reservation(models.Model):
    """Units of one level put aside for one reference (an order's number)."""

    class Status(models.TextChoices):
        HELD = "held"
        RELEASED = "released"
        COMMITTED = "committed"

    level = models.ForeignKey(StockLevel, on_delete=models.PROTECT, related_name="reservations")
    reference = models.CharField(max_length=64, db_index=True)
    quantity = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.HELD)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="Empty: held until it is released or shipped."
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects = ReservationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="reservation_not_empty"),
        ]
        indexes = [models.Index(fields=["status", "expires_at"], name="reservation_expiry")]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.level_id} for {self.reference}"


class StockMovement(models.Model):
    """One line of the ledger: append-only, and the database sees to it."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt"
        ADJUSTMENT = "adjustment"
        TRANSFER = "transfer"
        RESERVATION = "reservation"
        RELEASE = "release"
        SHIPMENT = "shipment"
        RETURN = "return"

    level = models.ForeignKey(StockLevel, on_delete=models.PROTECT, related_name="movements")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    on_hand_delta = models.IntegerField(default=0)
    reserved_delta = models.IntegerField(default=0)
    reference = models.CharField(max_length=64, blank=True, default="", db_index=True)
    reason = models.CharField(max_length=200, blank=True, default="")
    actor_id = models.BigIntegerField(null=True, blank=True, help_text="Who, if a person did it.")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    APPEND_ONLY: ClassVar[bool] = True

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(on_hand_delta=0, reserved_delta=0), name="movement_moves_something"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.on_hand_delta:+d}/{self.reserved_delta:+d}"
