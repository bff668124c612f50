"""One command does everything that is due because time has passed, however often it runs."""

import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session as AdminSession
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Otp, Session, User
from accounts.tests.factories import UserFactory
from cart.models import Cart
from catalog import version
from catalog.models import CatalogueChange
from catalog.tests.factories import VariantFactory
from inventory.models import Reservation, StockLevel
from orders.models import Order
from orders.services import expire_overdue_orders
from orders.tests.trade import buyer, pay, place, try_to_place
from payments.models import Payment, SandboxIntent
from shop_backend import background, invariants
from shop_backend.kernel.models import IdempotencyKey, OutboxMessage
from tests.threads import closing

pytestmark = [pytest.mark.django_db, pytest.mark.portable]
LONG_AGO = timedelta(days=365)


def sweep() -> dict[str, int]:
    """Run the command; return what it printed, as numbers."""
    out = StringIO()
    call_command("sweep", stdout=out)
    lines = (line.split(maxsplit=1) for line in out.getvalue().splitlines())
    return {name: int(number) for number, name in lines}


def overdue(order: Order) -> None:
    """Let the order's time be over."""
    past = timezone.now() - timedelta(minutes=1)
    Order.objects.filter(pk=order.pk).update(expires_at=past)
    Reservation.objects.filter(reference=order.number).update(expires_at=past)


def test_everything_due_is_done_once_and_nothing_twice():
    now = timezone.now()
    user, variant = buyer(), VariantFactory(stock=3)
    order = place(user, (variant, 1))
    overdue(order)
    UserFactory(email_verified_at=None, date_joined=now - LONG_AGO)
    Otp.objects.create(
        user=user, purpose="activation", email="a@example.com", code_hash="x", expires_at=now
    )
    Session.objects.create(user=user, rotates=True, refresh_jti="x", expires_at=now - LONG_AGO)
    for hours in (71, 73):
        IdempotencyKey.objects.create(
            user=user,
            operation="orders.place",
            key=str(hours),
            fingerprint="f",
            created_at=now - timedelta(hours=hours),
        )

    first, second = sweep(), sweep()

    assert first["orders expired"] == 1
    assert first["keys deleted"] == 1
    assert first["rows of accounts deleted"] == 3
    assert second == dict.fromkeys(background.SWEEPS, 0)
    assert Order.objects.get().status == Order.Status.EXPIRED
    assert StockLevel.objects.get().reserved == 0
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["71"]
    assert [each.find() for each in invariants.ALL] == [[]] * len(invariants.ALL)


def test_what_is_over_is_kept_as_long_as_the_settings_say(settings):
    settings.SESSIONS_KEPT_DAYS, settings.CARTS_KEPT_DAYS = 3, 4
    settings.MESSAGES_KEPT_DAYS, settings.ADMIN_LOG_KEPT_DAYS = 5, 6
    now, user, other = timezone.now(), UserFactory(), UserFactory()
    for days in (2, 7):
        then = now - timedelta(days=days)
        Session.objects.create(user=user, rotates=True, refresh_jti="x", expires_at=then)
        owner = user if days == 2 else other
        Cart.objects.create(user=owner, open_for=owner.pk, updated_at=then)
        OutboxMessage.objects.create(kind="x", sent_at=then)
        entry = LogEntry.objects.create(user=user, action_flag=2, object_repr=str(days))
        LogEntry.objects.filter(pk=entry.pk).update(action_time=then)
    AdminSession.objects.create(session_key="old", expire_date=now)
    AdminSession.objects.create(session_key="new", expire_date=now + timedelta(hours=1))

    sweep()
    second = sweep()

    assert second == dict.fromkeys(background.SWEEPS, 0)
    assert [Session.objects.count(), OutboxMessage.objects.count()] == [1, 1]
    assert Cart.objects.get().user == user
    assert LogEntry.objects.get().object_repr == "2"
    assert AdminSession.objects.get().session_key == "new"


def test_more_than_a_batch_is_done_too(monkeypatch):
    monkeypatch.setattr(background, "BATCH", 2)
    variant = VariantFactory(stock=9)
    for _ in range(5):
        overdue(place(buyer(), (variant, 1)))

    assert sweep()["orders expired"] == 5


def test_what_stays_due_does_not_keep_the_sweep_going(monkeypatch):
    monkeypatch.setattr(background, "MOST_PASSES", 3)
    stubborn = background.Task(lambda now: background.BATCH, every=timedelta(seconds=1))
    monkeypatch.setattr(background, "SWEEPS", {"stubborn": stubborn})

    assert sweep() == {"stubborn": 3 * background.BATCH}


def test_a_broken_sweep_does_not_stop_the_others_and_fails_the_command(monkeypatch):
    def break_down(now):
        raise RuntimeError("a row that nobody understands")

    done = []
    runs = {"broken": break_down, "fine": lambda now: done.append(now) or 0}
    sweeps = {name: background.Task(run, every=timedelta(seconds=1)) for name, run in runs.items()}
    monkeypatch.setattr(background, "SWEEPS", sweeps)

    with pytest.raises(CommandError, match="broken"):
        sweep()

    assert len(done) == 1


def test_the_worker_makes_the_same_sweeps():
    assert background.SWEEPS.items() <= background.TASKS.items()


def test_the_last_unit_that_an_overdue_order_holds_is_sold_without_any_sweep():
    variant, other = VariantFactory(stock=1), VariantFactory(stock=1)
    late, also_late = place(buyer(), (variant, 1)), place(buyer(), (other, 1))
    overdue(late)
    overdue(also_late)

    assert try_to_place(buyer(), (variant, 1)).status_code == 201

    late.refresh_from_db()
    also_late.refresh_from_db()
    assert (late.status, also_late.status) == (Order.Status.EXPIRED, Order.Status.PENDING)
    assert User.objects.filter(orders__status=Order.Status.PENDING).count() == 2


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_the_sweep_passes_by_an_order_that_somebody_is_at_work_on():
    variant = VariantFactory(stock=3)
    busy, idle = place(buyer(), (variant, 1)), place(buyer(), (variant, 1))
    overdue(busy)
    overdue(idle)
    expired: list[int] = []
    sweeping = threading.Thread(
        target=closing(lambda: expired.append(expire_overdue_orders(now=timezone.now(), limit=10)))
    )

    with transaction.atomic():
        Order.objects.select_for_update().get(pk=busy.pk)
        sweeping.start()
        sweeping.join(timeout=10)
        assert expired == [1]

    busy.refresh_from_db()
    idle.refresh_from_db()
    assert (busy.status, idle.status) == (Order.Status.PENDING, Order.Status.EXPIRED)


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_while_the_shop_sells():
    variant = VariantFactory(stock=40)
    for _ in range(12):
        overdue(place(buyer(), (variant, 1)))
    customer = buyer()
    swept: list[int] = []

    def sweep_again() -> None:
        swept.extend(sweep()["orders expired"] for _ in range(3))

    def sell() -> None:
        for _ in range(6):
            place(customer, (variant, 1))

    threads = [threading.Thread(target=closing(work)) for work in (sweep_again, sweep_again, sell)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(swept), sum(swept)) == (6, 12)
    assert Order.objects.filter(status=Order.Status.EXPIRED).count() == 12
    assert StockLevel.objects.get().reserved == 6
    assert [each.find() for each in invariants.ALL] == [[]] * len(invariants.ALL)


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_two_reconcilers_at_once_while_the_shop_is_paid():
    variant = VariantFactory(stock=40)
    unheard_of = [place(buyer(), (variant, 1)) for _ in range(6)]
    for order in unheard_of:
        pay(order, "pm_sandbox_webhookLost")
    others = [place(buyer(), (variant, 1)) for _ in range(6)]

    def reconcile_again() -> None:
        for _ in range(3):
            call_command("reconcile_payments", "--quiet-minutes", "0", stdout=StringIO())

    def sell() -> None:
        for order in others:
            pay(order)

    works = (reconcile_again, reconcile_again, sell)
    threads = [threading.Thread(target=closing(work)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    paid = Payment.objects.filter(captured_minor=F("amount_minor"), captured_minor__gt=0)
    assert paid.count() == SandboxIntent.objects.filter(captured_minor__gt=0).count() == 12
    assert Order.objects.filter(status=Order.Status.PAID).count() == 12
    assert [each.find() for each in invariants.ALL] == [[]] * len(invariants.ALL)


def test_the_changes_of_the_catalogue_are_summed_up_however_many_they_are():
    if not version.is_known():
        pytest.skip("MariaDB writes no changes of the catalogue down")
    CatalogueChange.objects.bulk_create(CatalogueChange(token=7) for _ in range(20_150))
    before = version.current()

    assert background.run_task("changes of the catalogue summed up") >= 20_150

    assert version.current() == before
    assert CatalogueChange.objects.count() == 1
