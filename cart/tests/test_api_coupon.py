"""A coupon on the cart, and what it does to the order."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.tests.factories import UserFactory
from cart.models import Cart, Coupon, CouponTally, CouponUse
from cart.tests.factories import CouponFactory
from catalog.tests.factories import CategoryFactory, ProductFactory, VariantFactory
from orders import services as orders
from orders.models import Order
from orders.tests.trade import buyer, client_of, pay, place, try_to_place
from payments.events import PaymentCaptured
from payments.models import Payment
from shipping.tests.factories import ShippingMethodFactory
from shop_backend.kernel import events, transactions
from tests.client import ShopClient
from tests.faces import code_of, every_spelling, payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def put_in(client, variant, quantity=1):
    body = {"variant_id": variant.pk, "quantity": quantity}
    assert client.post("/api/cart/", body, format="json").status_code == 200


def apply(client, code, prefix="/api", ending="/"):
    return client.post(f"{prefix}/cart/coupon{ending}", {"code": code}, format="json")


@every_spelling
def test_a_coupon_takes_its_percent_off_and_off_it_goes(prefix, ending):
    client, coupon = client_of(UserFactory()), CouponFactory(percent_basis_points=1250)
    put_in(client, VariantFactory(price_minor=1001), 2)

    applied = payload_of(apply(client, coupon.code.lower(), prefix, ending), prefix)
    removed = client.delete(f"{prefix}/cart/coupon{ending}")

    assert (applied["discount"], applied["total"]) == ("2.50", "17.52")
    assert applied["coupon"] == {"code": coupon.code, "kind": "percent", "is_applied": True}
    assert applied["items"][0]["discount"] == "2.50"
    assert removed.status_code == (200 if prefix else 204)
    data = payload_of(client.get("/api/cart/"))
    assert (data["coupon"], data["discount"], data["total"]) == (None, "0.00", "20.02")


def test_a_fixed_amount_never_takes_off_more_than_there_is():
    client = client_of(UserFactory())
    coupon = CouponFactory(kind="fixed", amount_minor=5000)
    put_in(client, VariantFactory(price_minor=1000), 1)
    put_in(client, VariantFactory(price_minor=300), 1)

    data = payload_of(apply(client, coupon.code))

    assert (data["discount"], data["total"]) == ("13.00", "0.00")
    assert [item["discount"] for item in data["items"]] == ["10.00", "3.00"]


def test_a_fixed_amount_is_shared_out_to_the_last_penny():
    client = client_of(UserFactory())
    coupon = CouponFactory(kind="fixed", amount_minor=100)
    for _ in range(3):
        put_in(client, VariantFactory(price_minor=1000), 1)

    data = payload_of(apply(client, coupon.code))

    assert [item["discount"] for item in data["items"]] == ["0.34", "0.33", "0.33"]


def test_free_shipping_makes_sending_free():
    user, coupon = buyer(), CouponFactory(kind="free_shipping")
    client = client_of(user)
    ShippingMethodFactory(price_minor=399)
    put_in(client, VariantFactory(price_minor=1000), 1)
    assert payload_of(client.get("/api/cart/"))["shipping"] == "3.99"

    data = payload_of(apply(client, coupon.code))

    assert (data["shipping"], data["discount"], data["total"]) == ("0.00", "0.00", "10.00")


def test_a_coupon_for_some_goods_takes_nothing_off_the_others():
    root, other = CategoryFactory(), CategoryFactory()
    leaf = CategoryFactory(parent=root)
    named, below, plain = (
        VariantFactory(price_minor=1000),
        VariantFactory(price_minor=500, product=ProductFactory(category=leaf)),
        VariantFactory(price_minor=2000, product=ProductFactory(category=other)),
    )
    coupon = CouponFactory(products=[named.product], categories=[root])
    client = client_of(UserFactory())
    for variant in (named, below, plain):
        put_in(client, variant)

    data = payload_of(apply(client, coupon.code))

    assert [item["discount"] for item in data["items"]] == ["1.00", "0.50", "0.00"]


def refused_coupons():
    now = timezone.now()
    user = UserFactory()
    used_up_by_me = CouponFactory(per_customer_limit=1)
    CouponTally.objects.create(coupon=used_up_by_me, customer=user, used_count=1)
    other = VariantFactory().product
    return user, {
        "NO-SUCH-CODE": (400, "invalid_coupon"),
        "🎁": (400, "invalid_coupon"),
        CouponFactory(is_active=False).code: (400, "invalid_coupon"),
        CouponFactory(starts_at=now + timedelta(hours=1)).code: (400, "invalid_coupon"),
        CouponFactory(ends_at=now - timedelta(hours=1)).code: (409, "coupon_expired"),
        CouponFactory(min_subtotal_minor=1001).code: (409, "coupon_min_subtotal"),
        CouponFactory(products=[other]).code: (409, "coupon_not_applicable"),
        CouponFactory(usage_limit=2, used_count=2).code: (409, "coupon_used_up"),
        used_up_by_me.code: (409, "coupon_used_up"),
    }


def test_each_refusal_has_its_code_and_leaves_the_cart_alone():
    user, expected = refused_coupons()
    client, variant = client_of(user), VariantFactory(price_minor=1000)
    put_in(client, variant)

    for code, (status, name) in expected.items():
        response = apply(client, code)
        assert (response.status_code, code_of(response)) == (status, name)
        assert Cart.objects.get().coupon is None

    for code, (status, name) in expected.items():
        response = try_to_place(user, (variant, 1), coupon=code, shipping_address=ADDRESS)
        assert (response.status_code, code_of(response)) == (status, name)
        assert not Order.objects.exists()


ADDRESS = {
    "full_name": "Ada",
    "line1": "1 Lane",
    "city": "Leeds",
    "postal_code": "LS1 1AA",
    "country": "GB",
}


def test_unknown_and_inactive_coupons_are_refused_alike():
    client = client_of(UserFactory())
    put_in(client, VariantFactory())

    unknown = apply(client, "NOBODY").json()
    inactive = apply(client, CouponFactory(is_active=False).code).json()

    assert unknown == inactive


def test_an_empty_cart_takes_no_coupon():
    response = apply(client_of(UserFactory()), CouponFactory().code)

    assert (response.status_code, code_of(response)) == (409, "coupon_not_applicable")


@pytest.mark.parametrize("code", [None, "", 5.5, "x" * 65, "a\x00b", ["A"], {}])
def test_a_code_that_is_none_is_refused(code):
    response = apply(client_of(UserFactory()), code)

    assert response.status_code == 400


@pytest.mark.parametrize("method", ["post", "delete"])
@pytest.mark.parametrize("prefix", ["/api", ""])
def test_a_stranger_has_no_coupon(prefix, method):
    response = getattr(ShopClient(), method)(f"{prefix}/cart/coupon/", {}, format="json")

    assert (response.status_code, code_of(response, prefix)) == (401, "not_authenticated")


def test_guessing_codes_is_throttled(settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "coupon": "3/min"}
    client = client_of(UserFactory())

    answers = [apply(client, f"GUESS-{n}").status_code for n in range(4)]

    assert answers == [400, 400, 400, 429]


def test_a_coupon_that_holds_no_more_is_a_problem_and_takes_nothing_off():
    client, coupon = client_of(UserFactory()), CouponFactory()
    put_in(client, VariantFactory(price_minor=1000))
    apply(client, coupon.code)
    Coupon.objects.update(ends_at=timezone.now())

    data = payload_of(client.get("/api/cart/"))

    assert [problem["code"] for problem in data["problems"]] == ["coupon_expired"]
    assert (data["discount"], data["total"]) == ("0.00", "10.00")
    assert data["coupon"]["is_applied"] is False


def test_a_coupon_in_the_cart_that_holds_no_more_stops_the_order():
    user, coupon = buyer(), CouponFactory()
    client = client_of(user)
    put_in(client, VariantFactory(price_minor=1000))
    apply(client, coupon.code)
    Coupon.objects.update(ends_at=timezone.now())

    response = client.post("/api/orders/", {}, format="json")

    assert (response.status_code, code_of(response)) == (409, "coupon_expired")
    assert not Order.objects.exists()


def test_the_carts_coupon_goes_into_the_order():
    user, coupon = buyer(), CouponFactory(usage_limit=1)
    client = client_of(user)
    put_in(client, VariantFactory(price_minor=1000), 2)
    put_in(client, VariantFactory(price_minor=333), 1)
    shown = payload_of(apply(client, coupon.code))

    response = client.post("/api/orders/", {"expected_total": shown["total"]}, format="json")

    data = payload_of(response)
    assert response.status_code == 201
    assert (data["coupon"], data["subtotal"], data["discount"]) == (coupon.code, "23.33", "2.33")
    assert data["total"] == "21.00"
    assert [line["discount"] for line in data["lines"]] == ["2.00", "0.33"]
    use = CouponUse.objects.get()
    assert (use.reference, use.customer, use.released_at) == (data["number"], user, None)
    coupon.refresh_from_db()
    assert (coupon.used_count, CouponTally.objects.get().used_count) == (1, 1)


def test_a_coupon_in_the_body_beats_the_carts():
    user, weak, strong = buyer(), CouponFactory(), CouponFactory(percent_basis_points=5000)
    client = client_of(user)
    put_in(client, VariantFactory(price_minor=1000))
    apply(client, weak.code)

    data = payload_of(client.post("/api/orders/", {"coupon": strong.code.lower()}, format="json"))

    assert (data["coupon"], data["discount"]) == (strong.code, "5.00")


def test_an_order_for_nothing_is_paid_at_once():
    order = place(
        buyer(), (VariantFactory(), 1), coupon=CouponFactory(percent_basis_points=10_000).code
    )

    assert (order.total_minor, order.status) == (0, "paid")


def test_a_coupon_cannot_hide_an_order_beyond_all_bounds():
    coupon = CouponFactory(percent_basis_points=10_000)
    variant = VariantFactory(stock=10_000, price_minor=10**15)

    response = try_to_place(buyer(), (variant, 10_000), coupon=coupon.code)

    assert (response.status_code, code_of(response)) == (409, "total_too_large")


def test_a_failed_placing_uses_nothing():
    coupon, variant = CouponFactory(usage_limit=1), VariantFactory(stock=1)

    response = try_to_place(buyer(), (variant, 2), coupon=coupon.code)

    assert response.status_code == 409
    coupon.refresh_from_db()
    assert (coupon.used_count, CouponUse.objects.count()) == (0, 0)


def counts(coupon):
    coupon.refresh_from_db()
    tally = CouponTally.objects.get(coupon=coupon)
    return coupon.used_count, tally.used_count, CouponUse.objects.open().count()


def test_a_cancelled_order_gives_its_use_back_once():
    coupon = CouponFactory(usage_limit=1)
    order = place(buyer(), (VariantFactory(), 1), coupon=coupon.code)
    client = client_of(order.customer)
    assert counts(coupon) == (1, 1, 1)

    client.post(f"/api/orders/{order.number}/cancel/")
    client.post(f"/api/orders/{order.number}/cancel/")
    client.delete(f"/api/orders/{order.number}/")

    assert counts(coupon) == (0, 0, 0)
    assert place(buyer(), (VariantFactory(), 1), coupon=coupon.code).coupon_code == coupon.code


def expire(order):
    later = order.expires_at + timedelta(seconds=1)
    return orders.expire_overdue_orders(now=later, limit=10)


def test_an_expired_order_gives_its_use_back_once():
    coupon = CouponFactory(per_customer_limit=1)
    order = place(buyer(), (VariantFactory(), 1), coupon=coupon.code)

    assert (expire(order), expire(order)) == (1, 0)

    assert counts(coupon) == (0, 0, 0)


def test_an_order_paid_late_keeps_its_price_and_counts_its_use_again():
    coupon = CouponFactory(usage_limit=1)
    order = place(buyer(), (VariantFactory(price_minor=1000), 1), coupon=coupon.code)
    expire(order)
    other = place(buyer(), (VariantFactory(), 1), coupon=coupon.code)

    pay_late(order)

    order.refresh_from_db()
    assert (order.status, order.total_minor) == ("paid", 900)
    coupon.refresh_from_db()
    assert coupon.used_count == 2 == CouponUse.objects.open().count()
    use = CouponUse.objects.get(reference=order.number)
    assert use.retaken_at is not None
    assert CouponUse.objects.get(reference=other.number).retaken_at is None


def test_late_money_for_goods_that_are_gone_counts_no_use():
    coupon, variant = CouponFactory(), VariantFactory(stock=1)
    order = place(buyer(), (variant, 1), coupon=coupon.code)
    expire(order)
    place(buyer(), (variant, 1))

    pay_late(order)

    order.refresh_from_db()
    assert (order.status, counts(coupon)) == ("expired", (0, 0, 0))


def pay_late(order):
    """Have money arrive that the provider captured before the order expired."""
    payment = Payment.objects.create(
        reference=order.number,
        customer=order.customer,
        provider="offline",
        currency="GBP",
        amount_minor=order.total_minor,
        captured_minor=order.total_minor,
        status=Payment.Status.SUCCEEDED,
    )
    news = PaymentCaptured(order.number, payment.pk, order.total)
    transactions.run(lambda: events.publish(news))


def test_a_used_up_coupon_is_freed_by_the_orders_whose_time_is_over():
    coupon = CouponFactory(usage_limit=1)
    order = place(buyer(), (VariantFactory(), 1), coupon=coupon.code)
    Order.objects.filter(pk=order.pk).update(expires_at=timezone.now())

    second = place(buyer(), (VariantFactory(), 1), coupon=coupon.code)

    order.refresh_from_db()
    assert (order.status, second.coupon_code) == ("expired", coupon.code)


def test_once_per_customer_is_once_for_each():
    coupon, user, variant = CouponFactory(per_customer_limit=1), buyer(), VariantFactory()
    place(user, (variant, 1), coupon=coupon.code)

    again = try_to_place(user, (variant, 1), coupon=coupon.code)
    other = try_to_place(buyer(), (variant, 1), coupon=coupon.code)

    assert (again.status_code, code_of(again)) == (409, "coupon_used_up")
    assert other.status_code == 201


def test_a_payment_takes_exactly_the_discounted_total():
    order = place(buyer(), (VariantFactory(price_minor=999), 1), coupon=CouponFactory().code)

    pay(order)

    order.refresh_from_db()
    assert (order.total_minor, order.captured_minor, order.status) == (899, 899, "paid")


def test_a_cart_with_a_coupon_takes_the_same_queries_for_one_and_ten_lines(
    django_assert_max_num_queries,
):
    client = client_of(UserFactory())
    category = CategoryFactory()

    def variant():
        return VariantFactory(product=ProductFactory(category=category))

    put_in(client, variant())
    coupon = CouponFactory(categories=[category], per_customer_limit=3)
    apply(client, coupon.code)
    with django_assert_max_num_queries(14) as one:
        client.get("/api/cart/")
    for _ in range(9):
        put_in(client, variant())

    with django_assert_max_num_queries(14) as ten:
        assert len(payload_of(client.get("/api/cart/"))["items"]) == 10

    assert len(ten) == len(one)
