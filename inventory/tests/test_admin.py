"""The admin site of inventory: everything can be seen, a count with a reason can be booked."""

import pytest
from django.contrib import admin
from django.db import transaction
from django.urls import reverse

from accounts.tests.factories import UserFactory
from inventory import services
from inventory.models import StockMovement
from inventory.tests.factories import StockLevelFactory

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
