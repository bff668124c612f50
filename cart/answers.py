"""What the cart answers to the questions of the apps below; bound in shop_backend/wiring.py."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from accounts.models import User
from cart import pricing, services
from cart.goods import Goods
from cart.models import Cart, CouponUse
from cart.serializers import ItemSerializer, reference_of
from catalog import selectors as catalog
from shipping.ports import Basket
from shop_backend.kernel import money


class CartBaskets:
    """Answers shipping: what is in this basket?"""

    def weigh(self, *, user: User | None, items: Sequence[Mapping[str, Any]] | None) -> Basket:
        """Return subtotal and weight of the items, or without them of the user's cart.

        :raises ValidationError: an item is not understood.
        :raises VariantNotFound: an item is not for sale.
        """
        quantities: pricing.Quantities
        if items is None:
            quantities = _from_cart(user)
        else:
            body = ItemSerializer(data=list(items), many=True)
            body.is_valid(raise_exception=True)
            variants = catalog.get_variants_for_sale(
                [reference_of(item) for item in body.validated_data]
            )
            units = (item["quantity"] for item in body.validated_data)
            goods = [Goods.of(variant) for variant in variants]
            quantities = list(zip(goods, units, strict=True))
        lines = pricing.price_lines(quantities)
        return Basket(
            subtotal=money.total((line.line_total for line in lines), settings.SHOP_CURRENCY),
            weight_grams=pricing.weigh(lines),
            needs_shipping=any(line.is_shipped for line in lines),
        )


class CartRecords:
    """Answers accounts: what do you hold about this person, and forget it."""

    def export(self, *, user_id: int) -> dict[str, Any]:
        """Return what lies in the person's open cart, addresses typed there, the coupons used."""
        cart = Cart.objects.with_lines().filter(open_for=user_id).first()
        lines = cart.lines.all() if cart else []
        uses = CouponUse.objects.filter(customer_id=user_id).select_related("coupon").order_by("pk")
        typed = Cart.objects.filter(user_id=user_id).exclude(shipping_address=None).order_by("pk")
        return {
            "cart_addresses": [found.shipping_address for found in typed],
            "cart": [{"sku": line.variant.sku, "quantity": line.quantity} for line in lines],
            "coupons_used": [
                {"code": use.coupon.code, "order": use.reference, "at": use.created_at.isoformat()}
                for use in uses
            ],
        }

    def forget(self, *, user_id: int) -> None:
        """Delete the carts that became no order."""
        services.forget_customer(user_id=user_id)


def _from_cart(user: User | None) -> pricing.Quantities:
    cart = Cart.objects.with_lines().filter(open_for=user.pk).first() if user else None
    return [(Goods.of(line.variant), line.quantity) for line in cart.lines.all()] if cart else []
