"""The admin's pages for carts, coupons and tax rates."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.tests.factories import UserFactory
from cart.models import Cart, CartLine, Coupon, CouponTally, CouponUse, TaxRate
from cart.tests.factories import CouponFactory, TaxRateFactory, standard_class
from catalog.tests.factories import VariantFactory
from orders.tests.trade import buyer, client_of, place

pytestmark = pytest.mark.django_db
MODELS = ["cart", "coupon", "couponuse", "coupontally", "taxrate"]


@pytest.fixture
def browser():
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def fill(count=1):
    for n in range(count):
        place(buyer(), (VariantFactory(), 1), coupon=CouponFactory().code)
        user, variant = buyer(), VariantFactory()
        body = {"variant_id": variant.pk, "quantity": 1}
        client_of(user).post("/api/cart/", body, format="json")
        TaxRateFactory(country="US", region=f"R{n}-{TaxRate.objects.count()}")


@pytest.mark.parametrize("model", MODELS)
def test_every_page_opens(browser, model):
    fill()
    row = {
        "cart": Cart,
        "coupon": Coupon,
        "couponuse": CouponUse,
        "coupontally": CouponTally,
        "taxrate": TaxRate,
    }[model].objects.order_by("pk")[0]

    listed = browser.get(reverse(f"admin:cart_{model}_changelist"), {"q": "x"})
    opened = browser.get(reverse(f"admin:cart_{model}_change", args=[row.pk]))
    added = browser.get(reverse(f"admin:cart_{model}_add"))

    is_typed = model in {"coupon", "taxrate"}
    assert (listed.status_code, opened.status_code) == (200, 200)
    assert added.status_code == (200 if is_typed else 403)
    assert CartLine.objects.exists()


@pytest.mark.parametrize("model", MODELS)
def test_a_list_takes_the_same_queries_for_few_and_many_rows(
    browser, model, django_assert_max_num_queries
):
    path = reverse(f"admin:cart_{model}_changelist")
    fill(2)
    browser.get(path)
    with django_assert_max_num_queries(20) as few:
        browser.get(path)
    fill(6)

    with django_assert_max_num_queries(20) as many:
        browser.get(path)

    assert len(many) == len(few)


COUPON = {"code": "admin-5", "kind": "fixed", "amount_minor": "5.00", "is_active": "on"}
SPLIT = {"starts_at_0": "", "starts_at_1": "", "ends_at_0": "", "ends_at_1": ""}


def test_a_coupon_is_typed_in_as_people_write_it(browser):
    response = browser.post(reverse("admin:cart_coupon_add"), {**COUPON, **SPLIT})

    assert response.status_code == 302, response.context["errors"]
    coupon = Coupon.objects.get()
    assert (coupon.code, coupon.amount_minor) == ("ADMIN-5", 500)


def test_saving_a_coupon_leaves_its_counter_alone(browser):
    coupon = CouponFactory()
    path = reverse("admin:cart_coupon_change", args=[coupon.pk])
    Coupon.objects.update(used_count=7)

    browser.post(
        path,
        {"code": coupon.code, "kind": "percent", "percent_basis_points": "12.5", **SPLIT},
    )

    coupon.refresh_from_db()
    assert (coupon.percent_basis_points, coupon.is_active, coupon.used_count) == (1250, False, 7)


def test_a_coupon_that_makes_no_sense_is_a_message_not_a_crash(browser):
    body = {**COUPON, **SPLIT, "percent_basis_points": "300", "kind": "percent"}

    response = browser.post(reverse("admin:cart_coupon_add"), body)

    assert response.status_code == 200
    assert not Coupon.objects.exists()


def test_a_used_coupon_cannot_be_deleted(browser):
    fill()
    coupon = Coupon.objects.get()

    response = browser.post(reverse("admin:cart_coupon_delete", args=[coupon.pk]), {"post": "yes"})

    assert response.status_code == 403
    assert Coupon.objects.exists()


def test_a_tax_rate_is_typed_in_as_people_write_it(browser):
    body = {
        "tax_class": standard_class().pk,
        "country": "us",
        "region": "ny",
        "rate_ppm": "8.875",
        "name": "Sales tax",
    }

    response = browser.post(reverse("admin:cart_taxrate_add"), body)

    assert response.status_code == 302, response.context["errors"]
    rate = TaxRate.objects.get()
    assert (rate.country, rate.region, rate.rate_ppm) == ("US", "NY", 88_750)
