"""What each careless variant does: the guarded statement becomes read, check, write."""

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from accounts.services import registration
from cart import pricing
from cart import services as cart_services
from cart.errors import CouponUsedUp
from cart.goods import Goods
from cart.models import Cart, Coupon, CouponUse
from cart.reading import OpenCart
from cart.services import baskets
from inventory.models import StockLevel
from inventory.services import holding, ledger
from inventory.services.ledger import Change, ChangeRefused
from orders.models import Order
from orders.services import placing, settling
from payments.models import Payment
from payments.services import refunding
from shop_backend.kernel import idempotency, statements
from shop_backend.kernel.models import IdempotencyKey
from shop_backend.kernel.money import Money

# Between what is read and what is written, so that an attack falls in its first rounds on any
# machine. The shop's own code never waits so.
WINDOW_SECONDS = 0.03


def count_stock_in_python() -> None:
    """Read the level, check it here, and write the new counters."""

    def apply(change: Change) -> int:
        level = StockLevel.objects.get(pk=change.level_id)
        on_hand, reserved = level.on_hand + change.on_hand, level.reserved + change.reserved
        if not 0 <= reserved <= on_hand:
            raise ChangeRefused(change)
        time.sleep(WINDOW_SECONDS)
        StockLevel.objects.filter(pk=level.pk).update(on_hand=on_hand, reserved=reserved)
        return on_hand - reserved

    ledger._apply = apply
    ledger._apply_all = lambda changes: {change.level_id: apply(change) for change in changes}
    ledger.lock_levels = holding.lock_levels = lambda level_ids: {}


def count_coupons_in_python() -> None:
    """Read how often the coupon was used, check it here, and write one more."""

    def use_coupon(*, coupon: Coupon, customer: User, reference: str) -> None:
        now = Coupon.objects.get(pk=coupon.pk)
        uses = CouponUse.objects.filter(coupon=now, customer=customer).count()
        if now.usage_limit is not None and now.used_count >= now.usage_limit:
            raise CouponUsedUp(coupon=now.code)
        if now.per_customer_limit is not None and uses >= now.per_customer_limit:
            raise CouponUsedUp(coupon=now.code)
        time.sleep(WINDOW_SECONDS)
        CouponUse.objects.create(coupon=now, customer=customer, reference=reference)
        Coupon.objects.filter(pk=now.pk).update(used_count=now.used_count + 1)

    cart_services.use_coupon = use_coupon


def lock_nothing() -> None:
    """Read rows to change them, without locking them."""
    fetch_all = QuerySet._fetch_all

    def read_unlocked(rows: QuerySet[Any], *args: Any, **kwargs: Any) -> QuerySet[Any]:
        unlocked = rows._chain()
        unlocked._hints = {**unlocked._hints, "is_careless": True}  # goes with every copy
        return unlocked

    def fetch_and_wait(rows: QuerySet[Any]) -> None:
        is_new = rows._result_cache is None
        fetch_all(rows)
        if is_new and rows._hints.get("is_careless"):
            time.sleep(WINDOW_SECONDS)

    def fetch_unlocked(model: type[Any], **equal: Any) -> list[Any]:
        found = statements.fetch(model, **equal)
        time.sleep(WINDOW_SECONDS)
        return found

    def fetch_unlocked_for_caller(model: type[Any], *, caller: str, **equal: Any) -> list[Any]:
        return fetch_unlocked(model, **equal)

    statements.lock = fetch_unlocked
    statements.lock_for_caller = fetch_unlocked_for_caller
    QuerySet.select_for_update = read_unlocked  # type: ignore[assignment,method-assign]  # on purpose, in its own process
    QuerySet._fetch_all = fetch_and_wait  # type: ignore[assignment,method-assign]  # as above


def read_the_cart_twice() -> None:
    """Take the totals from one look at the cart, and the lines from another."""
    lock_nothing()
    write_order = placing._write_order

    def write_from_second_look(
        customer: User, cart: OpenCart | None, totals: Any, destination: Any, note: str
    ) -> Order:
        order = write_order(customer, cart, totals, destination, note)
        if cart is not None:
            now = Cart.objects.with_lines().get(pk=cart.pk)
            quantities = [(Goods.of(line.variant), line.quantity) for line in now.lines.all()]
            order.lines.all().delete()
            for line in pricing.price_lines(quantities):
                order.lines.create(
                    variant_id=line.goods.variant_id,
                    stock_item_id=line.goods.stock_item_id,
                    sku=line.goods.sku,
                    name=line.goods.name,
                    quantity=line.quantity,
                    unit_price_minor=line.goods.price_minor,
                    line_total_minor=line.line_total.minor,
                )
        return order

    placing._write_order = write_from_second_look


def leave_late_money_lying() -> None:
    """Lock nothing, and do nothing about money that comes for an order that is over."""
    lock_nothing()
    settling._give_back = lambda order, reason: None


def close_carts_unasked() -> None:
    """Lock nothing, and close a cart without looking whether it is still open."""
    lock_nothing()

    def close_cart(*, cart_id: int, user_id: int) -> None:
        Cart.objects.filter(pk=cart_id).update(open_for=None)

    cart_services.close_cart = close_cart


def open_carts_unasked() -> None:
    """Look whether there is a cart, and make one if not."""
    lock_nothing()
    touch = baskets._touch_if_there

    def look(user_id: int, moment: Any) -> int | None:
        found = touch(user_id, moment)
        time.sleep(WINDOW_SECONDS)
        return found

    baskets._touch_if_there = look


def look_for_the_key_first() -> None:
    """Look whether the key is known, do the work, and write the key down."""
    close_carts_unasked()

    def claim(request: Any, operation: str, key: str, **first: Any) -> tuple[IdempotencyKey, bool]:
        known = IdempotencyKey.objects.filter(
            user_id=request.user.pk, operation=operation, key=key
        ).first()
        if known is not None and known.status is not None:
            return known, False
        time.sleep(WINDOW_SECONDS)
        row = IdempotencyKey.objects.create(
            user_id=request.user.pk,
            operation=operation,
            key=key,
            fingerprint=idempotency._fingerprint(request, key),
            claim=uuid.uuid4(),
            **first,
        )
        return row, True

    idempotency._claim = claim


def count_refunds_in_python() -> None:
    """Read what is left of the payment, check it here, and write what will have gone back."""
    lock_nothing()

    def take_refundable(*, payment: Payment, amount: Money) -> bool:
        now = Payment.objects.get(pk=payment.pk)
        if now.captured_minor < now.refunded_minor + amount.minor:
            return False
        time.sleep(WINDOW_SECONDS)
        Payment.objects.filter(pk=now.pk).update(refunded_minor=now.refunded_minor + amount.minor)
        return True

    refunding.take_refundable = take_refundable


def register_without_counting() -> None:
    """Look whether the address is known, then make the account."""
    lock_nothing()
    registration.otps.count_request = lambda **kwargs: None


VARIANTS: Mapping[str, Callable[[], None]] = {
    "a1": count_stock_in_python,
    "a2": count_coupons_in_python,
    "a3": read_the_cart_twice,
    "a4": close_carts_unasked,
    "a4-key": look_for_the_key_first,
    "a5": count_refunds_in_python,
    "a6": leave_late_money_lying,
    "a7": open_carts_unasked,
    "a8": register_without_counting,
}
# The constraints that stand behind them, as table and column: taken away for that variant.
CONSTRAINTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "a4": (("orders_order", "cart_id"),),
    "a4-key": (("orders_order", "cart_id"), ("kernel_idempotencykey", "key")),
    "a7": (("cart_cart", "open_for"),),
    "a8": (
        ("accounts_user", "email_key"),
        ("accounts_user", "username_key"),
        ("accounts_user", "username"),
        ("accounts_user", "email"),
    ),
}
