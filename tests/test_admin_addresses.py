"""What the admin site's addresses and posts may ask for, by hand, whatever its pages link to."""

import logging

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.tests.factories import StaffFactory, UserFactory
from cart.models import Coupon
from cart.tests.factories import CouponFactory
from catalog.tests.factories import VariantFactory
from payments.models import Payment
from payments.tests.factories import PaymentFactory
from shop_backend.kernel.admin import ShopModelAdmin

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

SHOWN = admin.site._registry.items()
AUTOCOMPLETE = "/admin/autocomplete/?app_label=orders&model_name=order&field_name=customer&term="


def path_of(model, page="changelist"):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}")


LISTS = [path_of(model) for model, _ in SHOWN]


def browser_of(user, **environ):
    browser = Client(**environ)
    browser.force_login(user)
    return browser


@pytest.fixture
def boss():
    return UserFactory(username="root", is_staff=True, is_superuser=True)


@pytest.fixture
def root(boss):
    return browser_of(boss)


# --- Which columns a list is asked by


def test_every_class_of_the_admin_is_one_of_the_shops():
    assert [model for model, shown in SHOWN if not isinstance(shown, ShopModelAdmin)] == []


def test_support_tells_no_secret_of_a_payment_by_asking_for_it():
    payment = PaymentFactory(client_secret="pi_1_secret_x")
    browser = browser_of(StaffFactory(role="support"))
    page = "/admin/payments/payment/"

    asked = [
        browser.get(page, {"reference": payment.reference, f"client_secret{lookup}": value})
        for lookup, value in [
            ("__startswith", "pi_1"),
            ("__startswith", "x"),
            ("", "pi_1_secret_x"),
            ("__gt", "p"),
            ("__isnull", "0"),
        ]
    ]

    assert {answer.headers.get("Location") for answer in asked} == {f"{page}?e=1"}
    assert browser.get(page, {"reference": payment.reference}).status_code == 200


@pytest.mark.parametrize(("model", "shown"), SHOWN, ids=lambda part: str(part))
def test_a_list_is_asked_by_nothing_that_it_does_not_show(rf, model, shown):
    request = rf.get("/")
    filters = {each[0] if isinstance(each, tuple) else each for each in shown.list_filter}
    told = {*shown.list_display, *filters, shown.date_hierarchy, model._meta.pk.name}
    hidden = [f.name for f in model._meta.concrete_fields if not {f.name, f.attname} & told]

    allowed = [
        f"{name}{lookup}"
        for name in hidden
        for lookup in ("", "__exact", "__in", "__gt", "__startswith", "__regex", "__year")
        if shown.lookup_allowed(f"{name}{lookup}", "1", request)
    ]
    expressions = [
        f"{name}{lookup}"
        for name in filter(None, told)
        for lookup in ("__regex", "__iregex", "__range", "__startswith", "__contains", "__x")
        if isinstance(name, str) and shown.lookup_allowed(f"{name}{lookup}", "1", request)
    ]

    assert (allowed, expressions) == ([], [])


@pytest.mark.parametrize("path", LISTS)
def test_the_filters_that_a_list_links_to_are_let_in(root, path):
    PaymentFactory()
    CouponFactory()
    VariantFactory()
    page = root.get(path)
    links = [
        choice["query_string"]
        for spec in page.context["cl"].filter_specs
        for choice in spec.choices(page.context["cl"])
        if "query_string" in choice
    ]

    assert {link: root.get(path + link).status_code for link in links} == dict.fromkeys(links, 200)


@pytest.mark.parametrize(
    "query",
    [
        "id__range=1",
        "id__regex=(",
        "id__in=1,x",
        "id__in=99999999999999999999",
        "id__gt=1e999",
        "created_at__year=0",
        "created_at__year=9999",
        "created_at__year=9999&created_at__month=12&created_at__day=31",
        "created_at__year=999999999",
        "created_at__year=2026&created_at__month=13",
        "created_at__month=9999999999999999999999",
        "created_at__gte=0001-01-01T00:00:00%2B14:00",
        "created_at__gte=x",
        "order__id__exact=x",
        "no_such_column=1",
        "order__customer__password__startswith=a",
        "note__regex=(a%2B)%2B$",
    ],
)
@pytest.mark.parametrize(
    "path", ["/admin/payments/payment/", "/admin/orders/return/", "/admin/catalog/review/"]
)
def test_what_no_column_can_have_leads_back_to_the_list(root, path, query):
    answer = root.get(f"{path}?{query}")

    assert answer.status_code in {200, 302}
    assert answer.headers.get("Location", f"{path}?e=1") == f"{path}?e=1"
    assert root.get(f"{path}?e=1").status_code == 200


def test_a_bug_of_ours_is_not_taken_for_a_wacky_address(root, monkeypatch):
    payments = admin.site._registry[Payment]
    monkeypatch.setattr(payments, "list_filter", [Broken])

    with pytest.raises(ValueError, match="ours"):
        root.get("/admin/payments/payment/")


class Broken(admin.SimpleListFilter):
    title = parameter_name = "broken"

    def lookups(self, request, model_admin):
        return [("a", "A")]

    def queryset(self, request, queryset):
        raise ValueError("ours")


@pytest.mark.parametrize("page", ["changelist", "add"])
def test_a_column_that_is_none_is_refused_and_not_written_down(root, caplog, page):
    log = logging.getLogger("django")
    log.addHandler(caplog.handler)
    try:
        answer = root.get(path_of(Coupon, page), {"_to_field": "x\nERROR forged"})
    finally:
        log.removeHandler(caplog.handler)

    assert answer.status_code == 400
    assert "forged" not in caplog.text


# --- How much a search may cost


@pytest.mark.parametrize("path", ["/admin/catalog/product/?q=", AUTOCOMPLETE])
def test_a_search_looks_for_eight_words(root, path):
    root.get("/admin/")  # notes when the session was opened
    words = " ".join(f"word{number}" for number in range(300))

    with CaptureQueriesContext(connection) as queries:
        assert root.get(path + words).status_code == 200

    asked = max((query["sql"] for query in queries), key=len)
    assert "word7" in asked.lower()
    assert "word8" not in asked.lower()


def test_a_search_by_a_long_text_looks_for_its_beginning(root):
    product = VariantFactory(product__name="x" * 180).product

    found = root.get("/admin/catalog/product/", {"q": "x" * 150 + ' "' + "y" * 9_000})

    assert found.status_code == 200
    assert list(found.context["cl"].queryset) == []
    assert list(root.get("/admin/catalog/product/?q=" + "x" * 180).context["cl"].queryset) == [
        product
    ]


# --- What is chosen on a list


@pytest.mark.parametrize(("model", "shown"), SHOWN, ids=str)
def test_an_action_on_what_no_row_is_called_is_refused(rf, boss, root, model, shown):
    request = rf.get("/")
    request.user = boss
    pks = ["abc", "1e5", "''", "", "a\x00b", "9" * 30, "9" * 5_000]

    answers = {
        (action, pk[:30]): root.post(
            path_of(model), {"action": action, "_selected_action": [pk]}
        ).status_code
        for action in shown.get_actions(request)
        for pk in pks
    }

    assert answers == dict.fromkeys(answers, 400)


@pytest.mark.parametrize("path", ["/admin/", "/admin/cart/coupon/", "/admin/cart/coupon/add/"])
def test_an_action_with_a_nul_in_its_name_is_none(root, path):
    answer = root.post(path, {"action": "a\x00b", "_selected_action": ["1"]})

    assert answer.status_code < 500


@pytest.mark.parametrize("pk", ["9" * 30, "x", "1e5"])
def test_a_page_of_what_no_row_is_called_is_not_there(root, pk):
    path = f"/admin/cart/coupon/{pk}/change/"

    assert root.get(path).status_code == 302
    assert root.post(path, {}).status_code == 302


# --- Other pages


@pytest.mark.parametrize("page", ["x", "-1", "0", "2", "1e5", "9" * 5_000, ""])
def test_a_page_of_the_menus_search_that_is_none_is_not_there(root, page):
    assert root.get("/admin/search/?s=a").status_code == 200
    assert root.get("/admin/search/", {"s": "a", "page": page}).status_code == 404


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/admin/cart/coupon/add/", {"starts_at": "x"}),
        ("/admin/cart/coupon/add/", {"products": "x", "kind": "x"}),
        ("/admin/accounts/user/add/", {"groups": "x", "is_superuser": "on"}),
        ("/admin/catalog/product/add/", {"category": "x", "_changelist_filters": "%"}),
    ],
)
def test_a_form_begins_as_it_is_whatever_its_address_says(root, path, query):
    plain = root.get(path).context["adminform"].form

    asked = root.get(path, query)

    assert asked.status_code == 200
    assert asked.context["adminform"].form.initial == plain.initial == {}


@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "messages", "django_language"])
@pytest.mark.parametrize(
    "value",
    ['"abcdefgh\\000ijkl"', '"\\377\\376abcdefgh"', "x" * 4_000, "../../etc", "a:b:c", "\xff" * 9],
)
def test_a_cookie_that_was_made_up_is_none(boss, name, value):
    cookie = f"{name}={value}"

    assert Client().get("/admin/", headers={"Cookie": cookie}).status_code == 302
    assert Client().get("/api/catalog/products/", headers={"Cookie": cookie}).status_code == 200
    if name != "sessionid":
        browser = browser_of(boss)
        whole = f"sessionid={browser.cookies['sessionid'].value}; {cookie}"
        for method in ("get", "post"):
            ask = getattr(Client(), method)
            assert ask("/admin/", headers={"Cookie": whole}).status_code == 200
