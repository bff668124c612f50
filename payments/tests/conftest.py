"""The floor above payments, as a stand-in, and a record of what it was told."""

from collections.abc import Iterator

import pytest

from payments import events as payment_events
from payments import providers
from payments.ports import payable_orders
from payments.tests.factories import Orders
from payments.tests.flaky import FlakyProvider
from shop_backend.kernel import events

EVENTS = (
    payment_events.PaymentAuthorized,
    payment_events.PaymentCaptured,
    payment_events.PaymentFailed,
    payment_events.PaymentCanceled,
    payment_events.PaymentRefunded,
    payment_events.PaymentRefundFailed,
)


@pytest.fixture(autouse=True)
def orders() -> Iterator[Orders]:
    """Orders that payments can ask about."""
    stand_in = Orders()
    with payable_orders.answered_by(stand_in):
        yield stand_in


@pytest.fixture(autouse=True)
def told() -> Iterator[list[object]]:
    """What payments reported upward, in order."""
    heard: list[object] = []
    with events.subscribed({event: [heard.append] for event in EVENTS}):
        yield heard


@pytest.fixture
def line() -> Iterator[FlakyProvider]:
    """The line to the sandbox, which can be told to lose a call."""
    before = providers._providers["sandbox"]
    flaky = FlakyProvider()
    providers._providers["sandbox"] = flaky
    yield flaky
    providers._providers["sandbox"] = before
