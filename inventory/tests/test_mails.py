"""The mail that tells the staff what runs low."""

from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail

from accounts.tests.factories import StaffFactory
from inventory import mails, services
from inventory.tests.factories import StockLevelFactory
from shop_backend.kernel.models import OutboxMessage
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

STAFF = "buying@example.com"


@pytest.fixture
def notified(settings):
    settings.SHOP_NOTIFY_EMAIL = STAFF


def take_away(level, units):
    """Adjust the stock over the API, as a shop worker does."""
    client = ShopClient()
    client.force_authenticate(StaffFactory(role="warehouse"))
    body = {
        "sku": level.item.sku,
        "location": level.location.code,
        "delta": -units,
        "reason": "Broken",
    }
    response = client.post("/api/inventory/adjustments/", body)
    assert response.status_code == 201, response.json()


@pytest.mark.usefixtures("notified")
def test_the_staff_is_told_what_runs_low():
    level = StockLevelFactory(on_hand=8)

    take_away(level, 5)

    [message] = mail.outbox
    [(page, _)] = message.alternatives
    assert message.to == [STAFF]
    assert message.subject == f"{level.item.sku} is running low at Demo Shop"
    assert "3 left to sell" in message.body
    assert "<strong>3</strong> left to sell" in page
    row = OutboxMessage.objects.get()
    assert row.payload == {"item_id": level.item_id}


def test_a_shop_that_names_nobody_writes_to_nobody():
    take_away(StockLevelFactory(on_hand=8), 5)

    assert mail.outbox == []
    assert not OutboxMessage.objects.exists()


@pytest.mark.usefixtures("notified")
def test_what_was_filled_up_meanwhile_is_no_news():
    level = StockLevelFactory(on_hand=8)
    take_away(level, 5)
    mail.outbox.clear()
    services.adjust(
        item_id=level.item_id,
        location_id=level.location_id,
        delta=50,
        reason="Delivery",
        actor_id=None,
    )

    mails.deliver(OutboxMessage.objects.get().payload)
    mails.deliver({"item_id": 0})

    assert mail.outbox == []


@pytest.mark.usefixtures("notified")
def test_a_mail_server_that_is_away_fails_no_adjustment(monkeypatch):
    def refuse(message, **options):
        raise SMTPServerDisconnected(STAFF)

    monkeypatch.setattr(mail.EmailMultiAlternatives, "send", refuse)
    level = StockLevelFactory(on_hand=8)

    take_away(level, 5)

    level.refresh_from_db()
    assert level.on_hand == 3
    assert OutboxMessage.objects.get().last_error == "LetterNotSent: SMTPServerDisconnected"
