"""The admin site of inventory: everything can be seen, a count with a reason can be booked."""

import pytest
from django.contrib import admin
from django.db import transaction
from django.urls import reverse

from accounts.tests.factories import StaffFactory, UserFactory
from inventory import services
from inventory.models import StockMovement
from inventory.tests.factories import (
    LocationFactory,
    StockItemFactory,
    StockLevelFactory,
    main_location,
)
from shop_backend.kernel.models import AuditEntry

pytestmark = pytest.mark.django_db

MODELS = [model for model in admin.site._registry if model._meta.app_label == "inventory"]


@pytest.fixture
def boss(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def level():
    level = StockLevelFactory(on_hand=9)
    with transaction.atomic():
        services.reserve(quantities={level.item_id: 2}, reference="A", expires_at=None)
    return level


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_page_opens(boss, level, model):
    name = f"admin:inventory_{model._meta.model_name}"
    site = admin.site._registry[model]

    assert boss.get(reverse(f"{name}_changelist"), {"q": "A"}).status_code == 200
    one = model.objects.order_by("pk").first()
    assert boss.get(reverse(f"{name}_change", args=[one.pk])).status_code == 200
    may_add = site.has_add_permission(boss.get("/admin/").wsgi_request)
    assert boss.get(reverse(f"{name}_add")).status_code == (200 if may_add else 403)


def test_a_count_in_the_admin_books_the_difference(boss, level):
    page = reverse("admin:inventory_stocklevel_change", args=[level.pk])

    assert boss.post(page, {"counted": 5, "reason": "stocktaking"}).status_code == 302

    level.refresh_from_db()
    assert (level.on_hand, level.reserved) == (5, 2)
    assert StockMovement.objects.get(kind="adjustment").reason == "stocktaking"


@pytest.mark.parametrize(
    ("counted", "reason", "words"),
    [(5, "", "Say why"), (1, "stocktaking", "2 of them reserved"), (-1, "x", "greater than")],
)
def test_a_count_that_cannot_be_is_refused_in_words(boss, level, counted, reason, words):
    page = reverse("admin:inventory_stocklevel_change", args=[level.pk])

    answer = boss.post(page, {"counted": counted, "reason": reason}, follow=True)

    assert words in answer.content.decode()
    level.refresh_from_db()
    assert level.on_hand == 9


def count_page(item):
    return reverse("admin:inventory_stockitem_count_stock", args=[item.pk])


def in_role(client, role):
    client.force_login(StaffFactory(role=role))
    return client


def test_what_is_sold_out_and_has_no_shelf_yet_is_given_stock(client):
    item, place = StockItemFactory(), main_location()
    worker = in_role(client, "warehouse")
    change_page = worker.get(reverse("admin:inventory_stockitem_change", args=[item.pk]))
    assert count_page(item) in change_page.content.decode()

    answer = worker.post(
        count_page(item),
        {"location": place.pk, "counted": 12, "reason": "new delivery"},
        follow=True,
    )

    assert f"{item.sku} at {place}: 12 on hand." in answer.content.decode()
    movement = StockMovement.objects.get(level__item=item)
    assert (movement.kind, movement.on_hand_delta) == ("adjustment", 12)
    assert movement.reason == "new delivery"
    assert movement.actor_id == answer.wsgi_request.user.pk
    attempt = AuditEntry.objects.get(phase="attempt")
    assert (attempt.object_kind, attempt.object_id) == ("inventory.stockitem", str(item.pk))
    outcome = AuditEntry.objects.get(phase="outcome", write=attempt.write)
    assert (outcome.object_kind, outcome.object_id) == (
        "inventory.stocklevel",
        str(movement.level_id),
    )


def test_stock_is_counted_at_the_place_that_is_chosen(client):
    level, other = StockLevelFactory(on_hand=9), LocationFactory()

    in_role(client, "warehouse").post(
        count_page(level.item), {"location": other.pk, "counted": 3, "reason": "moved"}
    )

    level.refresh_from_db()
    assert level.on_hand == 9
    assert level.item.levels.get(location=other).on_hand == 3


@pytest.mark.parametrize(
    ("counted", "reason", "words"),
    [(5, "", "This field is required"), (1, "lost", "2 of them reserved"), ("-1", "x", "greater")],
)
def test_a_count_of_an_item_that_cannot_be_books_nothing(boss, level, counted, reason, words):
    body = {"location": level.location_id, "counted": counted, "reason": reason}

    answer = boss.post(count_page(level.item), body)

    assert words in answer.content.decode()
    level.refresh_from_db()
    assert level.on_hand == 9


def test_who_may_not_adjust_stock_is_offered_no_count(client):
    item = StockItemFactory()
    helper = in_role(client, "support")

    answer = helper.post(
        count_page(item), {"location": main_location().pk, "counted": 5, "reason": "x"}
    )

    assert answer.status_code == 403
    assert not StockMovement.objects.exists()


def test_the_ledger_names_who_booked(boss, level):
    counter = StaffFactory(role="warehouse", username="wilma")
    services.count(
        item_id=level.item_id,
        location_id=level.location_id,
        counted=7,
        reason="x",
        actor_id=counter.pk,
    )

    page = boss.get(reverse("admin:inventory_stockmovement_changelist")).content.decode()

    assert "wilma" in page
