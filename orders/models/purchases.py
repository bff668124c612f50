"""Orders: the purchase, its amounts, and the order of its states."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Prefetch, Q
from django.utils import timezone

from cart.models import Cart
from orders.errors import IllegalOrderTransition
from orders.models.lines import OrderLine
from orders.models.numbers import new_order_number
from shipping.models import AddressFields
from shop_backend.kernel.money import Money

_LONGEST_ID = 18  # digits of what a column can hold


def column_named(name: str) -> tuple[str, Any] | None:
    """Return the column and the value by which a name finds an order; ``None``: it is no name.

    It is an id, or else a public number, which contains a letter.
    """
    if not (name.isascii() and name.isdigit()):
        return "number", name.upper()
    return ("id", int(name)) if len(name) <= _LONGEST_ID else None


class OrderQuerySet(models.QuerySet["Order"]):
    def not_hidden(self) -> "OrderQuerySet":
        """Return the orders that were not removed from sight."""
        return self.filter(hidden_at=None)

    def for_customer(self, user: Any) -> "OrderQuerySet":
        """Return this user's own orders; none for an anonymous user."""
        return self.filter(customer=user) if user.is_authenticated else self.none()

    def visible_to(self, user: Any) -> "OrderQuerySet":
        """Return the orders this user may see: staff all, others their own; hidden ones not."""
        if user.is_authenticated and user.has_perm("orders.view_order"):
            return self.not_hidden()
        return self.for_customer(user).not_hidden()

    def named(self, name: str) -> "OrderQuerySet":
        """Return the order of this id or public number (a number contains a letter)."""
        found = column_named(name)
        return self.none() if found is None else self.filter(**dict([found]))

    def with_lines(self) -> "OrderQuerySet":
        """Fetch the lines."""
        return self.prefetch_related(Prefetch("lines", OrderLine.objects.order_by("pk")))

    def in_payment_status(self, status: str) -> "OrderQuerySet":
        """Return the orders whose ``payment_status`` is this one."""
        kept = F("captured_minor") - F("refunded_minor")
        is_refunded = Q(refunded_minor__gt=0, refunded_minor=F("captured_minor"))
        is_paid = ~is_refunded & Q(total_minor__lte=kept)
        is_open = ~is_refunded & Q(total_minor__gt=kept)
        return self.filter(
            {
                "refunded": is_refunded,
                "paid": is_paid,
                "partially_refunded": is_open & Q(captured_minor__gt=0, refunded_minor__gt=0),
                "partially_paid": is_open & Q(captured_minor__gt=0, refunded_minor=0),
                "authorized": is_open & Q(captured_minor=0, is_authorized=True),
                "unpaid": is_open & Q(captured_minor=0, is_authorized=False),
            }[status]
        )

    def in_fulfilment_status(self, status: str) -> "OrderQuerySet":
        """Return the orders whose ``fulfilment_status`` is this one."""
        lines = OrderLine.objects.filter(order=OuterRef("pk"))
        has_left = Exists(lines.filter(shipped_quantity__gt=0))
        has_returned = Exists(lines.filter(returned_quantity__gt=0))
        is_out = Exists(lines.filter(shipped_quantity__gt=F("returned_quantity")))
        is_open = Exists(lines.filter(shipped_quantity__lt=F("quantity")))
        is_delivered = Q(status=Order.Status.DELIVERED)
        return self.filter(
            {
                "unfulfilled": ~has_left,
                "returned": has_returned & ~is_out,
                "partially_returned": has_returned & is_out,
                "partially_shipped": has_left & ~has_returned & is_open,
                "delivered": has_left & ~has_returned & ~is_open & is_delivered,
                "shipped": has_left & ~has_returned & ~is_open & ~is_delivered,
            }[status]
        )

    def overdue(self, now: Any) -> "OrderQuerySet":
        """Return the unpaid orders whose hold has run out."""
        return self.filter(status=Order.Status.PENDING, expires_at__lte=now)

    def unpaid_of(self, user: Any) -> "OrderQuerySet":
        """Return this user's orders that wait for money and are not overdue."""
        waiting = self.filter(customer=user, status=Order.Status.PENDING)
        return waiting.exclude(expires_at__lte=timezone.now())

    def of_the_day(self, now: Any) -> "OrderQuerySet":
        """Return what came in since midnight in the shop's currency and was not called off."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return self.filter(currency=settings.SHOP_CURRENCY, placed_at__gte=midnight).exclude(
            status__in=[Order.Status.CANCELLED, Order.Status.EXPIRED]
        )

    def waiting_since(self, moment: Any) -> "OrderQuerySet":
        """Return the paid orders placed before that moment which have not all left yet."""
        return self.filter(
            status__in=[Order.Status.PAID, Order.Status.PROCESSING], placed_at__lt=moment
        )


class Order(AddressFields):
    """A purchase. The address columns are its accounting record."""

    class Status(models.TextChoices):
        PENDING = "pending"
        PAID = "paid"
        PROCESSING = "processing"
        SHIPPED = "shipped"
        DELIVERED = "delivered"
        CANCELLED = "cancelled"
        EXPIRED = "expired"

    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        Status.PENDING: {Status.PAID, Status.CANCELLED, Status.EXPIRED},
        Status.PAID: {Status.PROCESSING, Status.CANCELLED},
        Status.PROCESSING: {Status.SHIPPED, Status.CANCELLED},
        Status.SHIPPED: {Status.DELIVERED},
        Status.DELIVERED: set(),
        Status.CANCELLED: set(),
        # Money that arrives late finds the goods again, or goes back.
        Status.EXPIRED: {Status.PAID},
    }

    number = models.CharField(max_length=16, unique=True, default=new_order_number)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders"
    )
    # One order a cart; empty for an order that was placed from a list of items.
    cart = models.OneToOneField(
        Cart, null=True, blank=True, on_delete=models.PROTECT, related_name="order"
    )
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    currency = models.CharField(max_length=3)
    subtotal_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField(default=0)
    shipping_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    # Whether the prices contain the tax; if not, it comes on top of them.
    is_tax_included = models.BooleanField(default=False)
    # The part of the tax that falls on shipping; the lines hold the rest.
    shipping_tax_minor = models.BigIntegerField(default=0)
    shipping_tax_rate_ppm = models.PositiveIntegerField(default=0)
    shipping_tax_name = models.CharField(max_length=100, blank=True, default="")
    total_minor = models.BigIntegerField()
    coupon_code = models.CharField(max_length=40, blank=True, default="")
    # Derived from the payments, kept here so that lists need no second look at them.
    captured_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    is_authorized = models.BooleanField(default=False)
    shipping_method_name = models.CharField(max_length=100, blank=True, default="")
    email = models.EmailField(blank=True, default="")
    note = models.CharField(max_length=500, blank=True, default="")
    # An order of untracked goods alone needs no address.
    full_name = models.CharField(max_length=150, blank=True, default="")
    line1 = models.CharField(max_length=200, blank=True, default="")
    city = models.CharField(max_length=100, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")
    placed_at = models.DateTimeField(default=timezone.now, db_index=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    is_tax_included=False,
                    total_minor=F("subtotal_minor")
                    - F("discount_minor")
                    + F("shipping_minor")
                    + F("tax_minor"),
                )
                | Q(
                    is_tax_included=True,
                    total_minor=F("subtotal_minor") - F("discount_minor") + F("shipping_minor"),
                ),
                name="order_total_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(
                    subtotal_minor__gte=0,
                    discount_minor__gte=0,
                    shipping_minor__gte=0,
                    tax_minor__gte=0,
                    total_minor__gte=0,
                ),
                name="order_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(shipping_tax_minor__gte=0, shipping_tax_minor__lte=F("tax_minor")),
                name="order_shipping_tax_within_tax",
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("captured_minor")),
                name="order_refunded_within_captured",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "expires_at"], name="order_overdue"),
            models.Index(fields=["customer", "-id"], name="order_of_customer"),
        ]
        permissions = [
            ("cancel_order", "Can cancel orders of customers"),
            ("fulfil_order", "Can process and ship orders"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def total(self) -> Money:
        """What the customer owes for all of it."""
        return Money(self.total_minor, self.currency)

    @property
    def payment_status(self) -> str:
        """Derived from the money that came and went (refunds count from their start)."""
        kept = self.captured_minor - self.refunded_minor
        if self.refunded_minor and not kept:
            return "refunded"
        if kept >= self.total_minor:
            return "paid"
        if self.captured_minor:
            return "partially_refunded" if self.refunded_minor else "partially_paid"
        return "authorized" if self.is_authorized else "unpaid"

    @property
    def fulfilment_status(self) -> str:
        """Derived from the quantities of its lines."""
        return fulfilment_status_of(self.status, self.lines.all())

    def remember_lines(self, lines: list[OrderLine]) -> None:
        """Let ``lines.all()`` of an order just written return its lines, unasked.

        Where the database does not tell their keys, it is asked.
        """
        if all(line.pk for line in lines):
            known: Any = self.lines.all()
            known._result_cache, known._prefetch_done = lines, True
            self._prefetched_objects_cache = {"lines": known}

    def transition_to(self, status: str) -> None:
        """Move to another status; the caller holds the row's lock and saves.

        :raises IllegalOrderTransition: the present status does not lead there.
        """
        allowed = self.TRANSITIONS[self.status]
        if status not in allowed:
            raise IllegalOrderTransition(
                current=str(self.status),
                wanted=str(status),
                allowed=", ".join(sorted(str(step) for step in allowed)) or "nothing",
            )
        self.status = status


def fulfilment_status_of(status: str, lines: Iterable[Any]) -> str:
    """Return how far an order of this status with these lines has got on its way."""
    ordered = shipped = returned = 0
    for line in lines:
        ordered += line.quantity
        shipped += line.shipped_quantity
        returned += line.returned_quantity
    if not shipped:
        return "unfulfilled"
    if returned:
        return "returned" if returned == shipped else "partially_returned"
    if shipped < ordered:
        return "partially_shipped"
    return "delivered" if status == Order.Status.DELIVERED else "shipped"
