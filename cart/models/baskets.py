"""What a customer means to buy."""

from django.conf import settings
from django.db import models
from django.db.models import Prefetch, Q
from django.utils import timezone

from cart.models.coupons import Coupon
from catalog.models import OptionValue, Variant
from shipping.models import Address, ShippingMethod

_CHOSEN = ("shipping_method", "address", "coupon")


class CartQuerySet(models.QuerySet["Cart"]):
    def with_choices(self) -> "CartQuerySet":
        """Fetch the method, address and coupon that were chosen."""
        return self.select_related(*_CHOSEN)

    def with_lines(self) -> "CartQuerySet":
        """Fetch the lines with what is needed to price them."""
        lines = CartLine.objects.with_variants().order_by("pk")
        return self.with_choices().prefetch_related(Prefetch("lines", lines))


class CartLineQuerySet(models.QuerySet["CartLine"]):
    def with_variants(self) -> "CartLineQuerySet":
        """Fetch what is needed to price them."""
        chosen = OptionValue.objects.select_related("option")
        return self.select_related("variant__product", "variant__stock_item").prefetch_related(
            Prefetch("variant__option_values", chosen.order_by("option__position", "option_id"))
        )


class Cart(models.Model):
    """A basket: open until it has become an order."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="carts"
    )
    # The user's id while the cart is open, empty afterwards: one open cart each.
    open_for = models.BigIntegerField(null=True, blank=True, unique=True, editable=False)
    address = models.ForeignKey(
        Address, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # An address typed in for this cart alone; the fields of shipping.AddressFields.
    shipping_address = models.JSONField(null=True, blank=True)
    shipping_method = models.ForeignKey(
        ShippingMethod, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # What the customer typed in; whether it holds is asked anew each time.
    coupon = models.ForeignKey(
        Coupon, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = CartQuerySet.as_manager()

    def __str__(self) -> str:
        return f"cart {self.pk} of user {self.user_id}"


class CartLine(models.Model):
    """So many units of one variant in a cart."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines")
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+")
    quantity = models.PositiveIntegerField()
    # What one unit cost when the customer put it in: a change since then is shown, not hidden.
    seen_price_minor = models.BigIntegerField()

    objects = CartLineQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cart", "variant"], name="cart_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="cart_line_not_empty"),
            models.CheckConstraint(
                condition=Q(seen_price_minor__gte=0), name="cart_line_price_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.variant_id}"
