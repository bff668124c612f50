"""Coupon codes, and who used them."""

import re

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from catalog.models import Category, Product, shop_currency
from shop_backend.kernel.money import MAX_MINOR, Money

MAX_USES = 10**9
# One basis point is a hundredth of a percent.
WHOLE_BASIS_POINTS = 10_000
_CODE = r"\A[A-Z0-9][A-Z0-9_-]{2,39}\Z"
validate_code = RegexValidator(
    _CODE, "A code is made of 3 to 40 letters, digits, hyphens and underscores.", "invalid_code"
)


def normalise_code(text: str) -> str:
    """Return the code as it is kept, whatever case it was typed in."""
    return text.strip().upper()


def is_code(text: str) -> bool:
    """Return whether a code may look like this."""
    return re.search(_CODE, text) is not None


class CouponQuerySet(models.QuerySet["Coupon"]):
    def with_scope(self) -> "CouponQuerySet":
        """Fetch the ids of the products and categories it is limited to."""
        return self.prefetch_related(
            models.Prefetch("products", Product.objects.only("pk").order_by("pk")),
            models.Prefetch("categories", Category.objects.only("pk").order_by("pk")),
        )


class Coupon(models.Model):
    """A code that makes an order cheaper."""

    class Kind(models.TextChoices):
        PERCENT = "percent"
        FIXED = "fixed"
        FREE_SHIPPING = "free_shipping"

    # In capitals, so that it is unique and found in any case.
    code = models.CharField(max_length=40, unique=True, validators=[validate_code])
    kind = models.CharField(max_length=15, choices=Kind.choices)
    percent_basis_points = models.PositiveIntegerField(null=True, blank=True)
    amount_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, default=shop_currency, editable=False)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    min_subtotal_minor = models.BigIntegerField(null=True, blank=True)
    products = models.ManyToManyField(
        Product, blank=True, related_name="+", help_text="With categories empty too: everything."
    )
    categories = models.ManyToManyField(
        Category, blank=True, related_name="+", help_text="And all that lies below them."
    )
    usage_limit = models.PositiveIntegerField(null=True, blank=True)
    per_customer_limit = models.PositiveIntegerField(null=True, blank=True)
    # The open uses, counted by conditional updates alone.
    used_count = models.PositiveIntegerField(default=0, editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = CouponQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind="percent",
                    percent_basis_points__isnull=False,
                    percent_basis_points__gte=1,
                    percent_basis_points__lte=WHOLE_BASIS_POINTS,
                    amount_minor=None,
                )
                | Q(
                    kind="fixed",
                    amount_minor__isnull=False,
                    amount_minor__gte=1,
                    amount_minor__lte=MAX_MINOR,
                    percent_basis_points=None,
                )
                | Q(kind="free_shipping", amount_minor=None, percent_basis_points=None),
                name="coupon_worth_fits_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(min_subtotal_minor=None)
                | Q(min_subtotal_minor__gte=0, min_subtotal_minor__lte=MAX_MINOR),
                name="coupon_min_subtotal_in_bounds",
            ),
            models.CheckConstraint(
                condition=Q(starts_at=None) | Q(ends_at=None) | Q(starts_at__lt=F("ends_at")),
                name="coupon_times_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def product_ids(self) -> list[int]:
        """The products it is limited to."""
        return [product.pk for product in self.products.all()]

    @property
    def category_ids(self) -> list[int]:
        """The categories it is limited to."""
        return [category.pk for category in self.categories.all()]

    @property
    def min_subtotal(self) -> Money | None:
        """What a basket must cost, before discount, for the coupon to hold."""
        if self.min_subtotal_minor is None:
            return None
        return Money(self.min_subtotal_minor, self.currency)


class CouponTally(models.Model):
    """How often one customer has used one coupon."""

    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="tallies")
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    used_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["coupon", "customer"], name="coupon_tally_once")
        ]
        verbose_name_plural = "coupon tallies"

    def __str__(self) -> str:
        return f"{self.coupon_id}: {self.used_count} by {self.customer_id}"


class CouponUseQuerySet(models.QuerySet["CouponUse"]):
    def open(self) -> "CouponUseQuerySet":
        """Return the uses that count."""
        return self.filter(released_at=None)


class CouponUse(models.Model):
    """One order's use of a coupon."""

    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="uses")
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    # The order's number: one coupon an order.
    reference = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    # Given back: the order was cancelled or has expired.
    released_at = models.DateTimeField(null=True, blank=True)
    # Counted again, whatever the limits: an expired order was paid after all.
    retaken_at = models.DateTimeField(null=True, blank=True)

    objects = CouponUseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(released_at=None) | Q(retaken_at=None),
                name="coupon_use_released_or_retaken",
            )
        ]

    def __str__(self) -> str:
        return f"{self.coupon_id} for {self.reference}"
