"""What everything ever cost: a table that only grows."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from catalog.models.products import Variant
from shop_backend.kernel.money import MAX_MINOR, Money


class PriceChange(models.Model):
    """The price of a variant from this moment until its next row."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="price_changes")
    price_minor = models.BigIntegerField()
    compare_at_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3)
    # Who set it; empty: an import, or the shop itself.
    actor_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    APPEND_ONLY: ClassVar[bool] = True

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(price_minor__gte=0, price_minor__lte=MAX_MINOR),
                name="price_change_in_bounds",
            ),
            models.CheckConstraint(
                condition=Q(compare_at_minor=None)
                | Q(compare_at_minor__gt=F("price_minor"), compare_at_minor__lte=MAX_MINOR),
                name="price_change_compare_at_above_price",
            ),
        ]
        indexes = [models.Index(fields=["variant", "-id"], name="price_history")]

    def __str__(self) -> str:
        return self.price.decimal_string

    @property
    def price(self) -> Money:
        """The price of one unit."""
        return Money(self.price_minor, self.currency)
