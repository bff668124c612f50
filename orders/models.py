"""What was bought: snapshots that no later change of the catalogue can touch."""

import secrets
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Prefetch, Q
from django.utils import timezone

from cart.models import Cart
from catalog.models import Variant
from orders.errors import IllegalOrderTransition, IllegalReturnTransition
from shipping.models import AddressFields
from shop_backend.kernel.money import Money

# Crockford's alphabet: no I, L, O, U that a person could misread on the phone.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NUMBER_LENGTH = 12


def new_order_number() -> str:
    """Return an order number nobody can guess: 60 bits, and a letter in front."""
    return "R" + "".join(secrets.choice(_ALPHABET) for _ in range(_NUMBER_LENGTH))


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
        if name.isascii() and name.isdigit():
            return self.filter(pk=int(name)) if len(name) < 19 else self.none()
        return self.filter(number=name.upper())

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
        lines = list(self.lines.all())
        shipped = sum(line.shipped_quantity for line in lines)
        returned = sum(line.returned_quantity for line in lines)
        if not shipped:
            return "unfulfilled"
        if returned:
            return "returned" if returned == shipped else "partially_returned"
        if shipped < sum(line.quantity for line in lines):
            return "partially_shipped"
        return "delivered" if self.status == self.Status.DELIVERED else "shipped"

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


class OrderLine(models.Model):
    """So many units of one variant, as it was when it was bought."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+")
    stock_item_id = models.BigIntegerField(help_text="The inventory item; a snapshot too.")
    is_tracked = models.BooleanField(default=True)
    sku = models.CharField("SKU", max_length=64)
    name = models.CharField(max_length=200)
    options = models.JSONField(default=dict, blank=True)
    image_url = models.CharField(max_length=500, blank=True, default="")
    quantity = models.PositiveIntegerField()
    unit_price_minor = models.BigIntegerField()
    discount_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    # The rate that was applied, in parts per million, and its name: "VAT 20 %".
    tax_rate_ppm = models.PositiveIntegerField(default=0)
    tax_name = models.CharField(max_length=100, blank=True, default="")
    line_total_minor = models.BigIntegerField()
    weight_grams = models.PositiveIntegerField(default=0)
    shipped_quantity = models.PositiveIntegerField(default=0)
    # Units in a return that is asked for or agreed to, and whose goods are not back yet.
    returning_quantity = models.PositiveIntegerField(default=0)
    returned_quantity = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "variant"], name="order_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_line_not_empty"),
            models.CheckConstraint(
                condition=Q(line_total_minor=F("unit_price_minor") * F("quantity")),
                name="order_line_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(
                    discount_minor__gte=0,
                    discount_minor__lte=F("line_total_minor"),
                    tax_minor__gte=0,
                ),
                name="order_line_shares_in_bounds",
            ),
            models.CheckConstraint(
                condition=Q(shipped_quantity__lte=F("quantity"))
                & Q(returned_quantity__lte=F("shipped_quantity")),
                name="order_line_quantities_in_order",
            ),
            models.CheckConstraint(
                condition=Q(shipped_quantity__gte=F("returned_quantity") + F("returning_quantity")),
                name="order_line_returns_within_shipped",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"

    @property
    def unit_price(self) -> Money:
        """What one unit cost."""
        return Money(self.unit_price_minor, self.order.currency)

    @property
    def line_total(self) -> Money:
        """What all its units cost, before discount and tax."""
        return Money(self.line_total_minor, self.order.currency)

    @property
    def returnable_quantity(self) -> int:
        """Units that were shipped and are in no return yet."""
        return self.shipped_quantity - self.returned_quantity - self.returning_quantity


class OrderEventQuerySet(models.QuerySet["OrderEvent"]):
    def visible_to(self, user: Any) -> "OrderEventQuerySet":
        """Return the events this user may see: not that the house wrote a note to itself."""
        if user.has_perm("orders.view_ordernote"):
            return self
        return self.exclude(kind=OrderEvent.INTERNAL_NOTE)


class OrderEvent(models.Model):
    """One line of an order's history: append-only, and the database sees to it."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=40)
    status = models.CharField(max_length=12, choices=Order.Status.choices)
    data = models.JSONField(default=dict, blank=True)
    actor_id = models.BigIntegerField(null=True, blank=True, help_text="Who, if a person did it.")
    created_at = models.DateTimeField(default=timezone.now)

    objects = OrderEventQuerySet.as_manager()

    APPEND_ONLY: ClassVar[bool] = True
    INTERNAL_NOTE: ClassVar[str] = "internal_note_added"

    def __str__(self) -> str:
        return f"{self.order_id}: {self.kind}"


class OrderNoteQuerySet(models.QuerySet["OrderNote"]):
    def visible_to(self, user: Any) -> "OrderNoteQuerySet":
        """Return the notes this user may read: staff all, customers those to them."""
        return self if user.has_perm("orders.view_ordernote") else self.filter(is_internal=False)


class OrderNote(models.Model):
    """What a shop worker wrote on an order, for the customer or for the house alone."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="notes")
    text = models.CharField(max_length=2000)
    is_internal = models.BooleanField(
        default=True, help_text="Shown to staff alone; without it the customer reads it too."
    )
    author_id = models.BigIntegerField(null=True, blank=True, help_text="Who wrote it.")
    created_at = models.DateTimeField(default=timezone.now)

    objects = OrderNoteQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Note {self.pk} on order {self.order_id}"


class ReturnQuerySet(models.QuerySet["Return"]):
    def with_lines(self) -> "ReturnQuerySet":
        """Fetch the lines and what was bought."""
        lines = ReturnLine.objects.select_related("order_line").order_by("pk")
        return self.prefetch_related(Prefetch("lines", lines))


class Return(models.Model):
    """Units of an order that the customer sends back. The refund is a step of its own."""

    class Status(models.TextChoices):
        REQUESTED = "requested"
        APPROVED = "approved"
        REJECTED = "rejected"
        RECEIVED = "received"
        RESTOCKED = "restocked"
        CLOSED = "closed"

    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        Status.REQUESTED: {Status.APPROVED, Status.REJECTED},
        # Closed: the goods never came; the units can be asked back anew.
        Status.APPROVED: {Status.RECEIVED, Status.CLOSED},
        Status.REJECTED: set(),
        Status.RECEIVED: {Status.RESTOCKED},
        Status.RESTOCKED: set(),
        Status.CLOSED: set(),
    }

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="returns")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.REQUESTED)
    reason = models.CharField(max_length=500, blank=True, default="")
    requested_by_id = models.BigIntegerField(null=True, blank=True, help_text="Who asked for it.")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    received_at = models.DateTimeField(null=True, blank=True)

    objects = ReturnQuerySet.as_manager()

    class Meta:
        permissions = [("receive_return", "Can receive and restock returned goods")]

    def __str__(self) -> str:
        return f"Return {self.pk} of order {self.order_id}"

    def transition_to(self, status: str) -> None:
        """Move to another status; the caller holds the order's lock and saves.

        :raises IllegalReturnTransition: the present status does not lead there.
        """
        allowed = self.TRANSITIONS[self.status]
        if status not in allowed:
            raise IllegalReturnTransition(
                current=str(self.status),
                wanted=str(status),
                allowed=", ".join(sorted(str(step) for step in allowed)) or "nothing",
            )
        self.status = status


class ReturnLine(models.Model):
    """So many units of one order line, and in which condition they came back."""

    # Named so because a class cannot have a field called "return".
    returned_in = models.ForeignKey(Return, on_delete=models.PROTECT, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField(help_text="Units asked back.")
    good_quantity = models.PositiveIntegerField(default=0, help_text="Came back fit for sale.")
    damaged_quantity = models.PositiveIntegerField(default=0, help_text="Came back unfit for sale.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["returned_in", "order_line"], name="return_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="return_line_not_empty"),
            models.CheckConstraint(
                condition=Q(quantity__gte=F("good_quantity") + F("damaged_quantity")),
                name="return_line_received_within_asked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of order line {self.order_line_id}"
