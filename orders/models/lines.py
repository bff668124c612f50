"""What an order consists of: snapshots that no later change of the catalogue can touch."""

from django.db import models
from django.db.models import F, Q

from catalog.models import Variant
from shop_backend.kernel.money import Money


class OrderLine(models.Model):
    """So many units of one variant, as it was when it was bought."""

    order = models.ForeignKey("Order", on_delete=models.PROTECT, related_name="lines")
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
