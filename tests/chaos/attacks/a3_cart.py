"""A3: the cart changes while it becomes an order."""

from collections.abc import Sequence

from cart import services as cart
from cart.models import Cart, CartLine
from catalog.models import Variant
from catalog.selectors import VariantReference
from orders.models import Order
from payments.models import Payment
from tests.chaos import wire
from tests.chaos.attack import Attack, count_of, expect, expect_true
from tests.chaos.shop import Person

OLD_PRICE, NEW_PRICE = 1000, 1700


class CartDuringCheckout(Attack):
    name = "A3 cart and checkout"
    sentence = "12 carts placed while lines come, change and go, with a coupon and a new price"
    naive = "a3"
    carts = 12

    def prepare(self) -> list[wire.Request]:
        self.buyers = self.shop.buyers(self.carts, group=self.name)
        close_carts(self.buyers)
        self.changed, self.removed, self.added = (
            self.shop.variant(stock=1000, price_minor=OLD_PRICE) for _ in range(3)
        )
        self.code = self.shop.coupon().code
        requests = [request for buyer in self.buyers for request in self._requests_of(buyer)]
        product, body = self.changed.product_id, {"price": f"{NEW_PRICE / 100:.2f}"}
        requests.insert(
            len(requests) // 3, self.shop.manager.patch(f"/catalog/products/{product}/", body)
        )
        return requests

    def _requests_of(self, buyer: Person) -> list[wire.Request]:
        for variant in (self.changed, self.removed):
            cart.set_line(
                user=buyer.user, reference=VariantReference(variant_id=variant.pk), quantity=1
            )
        gone = CartLine.objects.get(cart__open_for=buyer.user.pk, variant=self.removed)
        return [
            buyer.post("/cart/", {"variant_id": self.added.pk, "quantity": 1}),
            buyer.post("/cart/coupon/", {"code": self.code}),
            buyer.post("/orders/"),
            buyer.post("/cart/", {"variant_id": self.changed.pk, "quantity": 3}),
            buyer.delete(f"/cart/items/{gone.pk}/"),
        ]

    def judge(self, answers: Sequence[wire.Answer]) -> list[str]:
        placed = self.shop.orders_of(self.changed)
        owners = {order.customer_id: buyer for buyer, order in self._pairs(placed)}
        wrong = [
            *expect("orders acknowledged", count_of(answers, 201), self.carts),
            *expect("orders", len(placed), self.carts),
            *expect("buyers with an order", len(owners), self.carts),
        ]
        paid = self.fire([self._pay(buyer, order) for buyer, order in self._pairs(placed)])
        wrong += expect("payments", count_of(paid, 201), len(placed))
        for order in placed:
            wrong += self._judge_order(order)
        return wrong

    def _pairs(self, placed: Sequence[Order]) -> list[tuple[Person, Order]]:
        by_user = {buyer.user.pk: buyer for buyer in self.buyers}
        return [(by_user[order.customer_id], order) for order in placed]

    def _pay(self, buyer: Person, order: Order) -> wire.Request:
        body = {"order_id": order.number, "payment_method": "pm_card_visa"}
        return buyer.post("/payments/", body)

    def _judge_order(self, order: Order) -> list[str]:
        lines = list(order.lines.order_by("pk"))
        subtotal = sum(line.unit_price_minor * line.quantity for line in lines)
        discount = sum(line.discount_minor for line in lines)
        total = subtotal - discount + order.shipping_minor
        prices = {line.unit_price_minor for line in lines if line.variant_id == self.changed.pk}
        captured = sum(
            payment.captured_minor for payment in Payment.objects.filter(reference=order.number)
        )
        return [
            *expect(f"{order} subtotal", order.subtotal_minor, subtotal),
            *expect(f"{order} discount", order.discount_minor, discount),
            *expect(f"{order} total", order.total_minor, total),
            *expect(f"{order} captured", captured, order.total_minor),
            *expect_true(f"{order} has a known price", prices <= {OLD_PRICE, NEW_PRICE}),
            *expect(f"{order}: places of what was added", self._places_of_added(order), 1),
        ]

    def _places_of_added(self, order: Order) -> int:
        in_cart = CartLine.objects.filter(cart__open_for=order.customer_id, variant=self.added)
        return order.lines.filter(variant=self.added).count() + in_cart.count()


def close_carts(buyers: Sequence[Person]) -> None:
    """Let these people's next add be their first."""
    Cart.objects.filter(open_for__in=[buyer.user.pk for buyer in buyers]).update(open_for=None)


def fill_cart(buyer: Person, variant: Variant, quantity: int) -> None:
    """Put so many units into the person's open cart."""
    reference = VariantReference(variant_id=variant.pk)
    cart.set_line(user=buyer.user, reference=reference, quantity=quantity)


ATTACKS = (CartDuringCheckout,)
