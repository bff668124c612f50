"""The one way in which money is booked: a movement whose entries add up to zero.

Each is written in the transaction that changes the payment or the refund, under the lock of the
reference's payments. The counters of a payment are a cache of its entries.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Sum
from django.utils import timezone

from payments.models import Account, MoneyEntry, MoneyMovement, Payment, Refund
from payments.services.locking import lock_payment
from shop_backend.kernel import statements
from shop_backend.kernel.transactions import requires_transaction, use_case

Kind = MoneyMovement.Kind
_TAKEN = (Account.CAPTURED, Account.REFUND_PENDING, Account.REFUNDED)
_GOING_BACK = (Account.REFUND_PENDING, Account.REFUNDED)


@dataclass(frozen=True)
class Counters:
    """What a payment counts, and what its entries say it should."""

    processing_minor: int
    authorized_minor: int
    captured_minor: int
    refunded_minor: int


@requires_transaction
def book_progress(*, payment: Payment, working: int, held: int, received: int) -> None:
    """Book how a collection got on, and set the counters of a payment locked by the caller.

    :param working: what the provider works on now, in minor units.
    :param held: what it has set aside now.
    :param received: what was captured, and was not known before.
    """
    if received:
        _book_capture(payment, received)
    if held > payment.authorized_minor:
        wanted = held - payment.authorized_minor
        key = f"payment-{payment.pk}-authorized"
        entries = _draw(payment, wanted, ["processing_minor"]) | {Account.AUTHORIZED: wanted}
        payment.authorized_minor = held
        _post(payment, Kind.AUTHORIZATION, key, entries)
    elif held < payment.authorized_minor:
        _let_go(payment, Kind.RELEASE, f"payment-{payment.pk}-released", held)
    if working != payment.processing_minor:
        _book_processing(payment, working)


@requires_transaction
def book_offline(*, payment: Payment, actor_id: int | None) -> None:
    """Book money that was received outside; the payment counts it already."""
    amount = payment.captured_minor
    entries: dict[str, int] = {Account.CUSTOMER: -amount, Account.CAPTURED: amount}
    _post(payment, Kind.CAPTURE, _captured_key(payment, amount), entries, actor_id=actor_id)


@requires_transaction
def book_refund_request(*, refund: Refund) -> None:
    """Book that captured money is on its way back; the counter is the caller's."""
    _book_refund(refund, Kind.REFUND_REQUEST, "requested", Account.CAPTURED, Account.REFUND_PENDING)


@requires_transaction
def book_refund_success(*, refund: Refund) -> None:
    """Book that a refund has gone back. A refund ends once: it is one key with its failure."""
    _book_refund(refund, Kind.REFUND_SUCCESS, "ended", Account.REFUND_PENDING, Account.REFUNDED)


@requires_transaction
def book_refund_failure(*, refund: Refund) -> None:
    """Book that the money of a refund stays; the counter is the caller's."""
    _book_refund(refund, Kind.REFUND_FAILURE, "ended", Account.REFUND_PENDING, Account.CAPTURED)


@requires_transaction
def book_late_refund_failure(*, refund: Refund) -> None:
    """Book that money which had gone back has come home; the counter is the caller's."""
    _book_refund(refund, Kind.REFUND_FAILURE, "returned", Account.REFUNDED, Account.CAPTURED)


def get_counters(*, payment_id: int) -> Counters:
    """Return what the entries of a payment add up to."""
    rows = MoneyEntry.objects.filter(movement__payment_id=payment_id).values_list("account")
    balances: dict[str, int] = dict(rows.annotate(balance=Sum("amount_minor")).order_by())

    def balance(accounts: Iterable[str]) -> int:
        return sum(balances.get(account, 0) for account in accounts)

    return Counters(
        processing_minor=balance([Account.PROCESSING]),
        authorized_minor=balance([Account.AUTHORIZED]),
        captured_minor=balance(_TAKEN),
        refunded_minor=balance(_GOING_BACK),
    )


@use_case
def rebuild_payment_counters(*, payment_id: int) -> bool:
    """Set the counters of a payment to what its entries add up to; return whether they were wrong.

    The order's copy of them is the floor above's to take again.
    """
    payment = lock_payment(payment_id)
    booked = get_counters(payment_id=payment_id)
    if booked == Counters(
        processing_minor=payment.processing_minor,
        authorized_minor=payment.authorized_minor,
        captured_minor=payment.captured_minor,
        refunded_minor=payment.refunded_minor,
    ):
        return False
    payment.processing_minor = booked.processing_minor
    payment.authorized_minor = booked.authorized_minor
    payment.captured_minor = booked.captured_minor
    payment.refunded_minor = booked.refunded_minor
    payment.updated_at = timezone.now()
    payment.save(
        update_fields=[
            "processing_minor",
            "authorized_minor",
            "captured_minor",
            "refunded_minor",
            "updated_at",
        ]
    )
    return True


def _captured_key(payment: Payment, up_to: int) -> str:
    # Captured money never goes down, so each sum is reached once.
    return f"payment-{payment.pk}-captured-to-{up_to}"


def _book_capture(payment: Payment, received: int) -> None:
    entries = _draw(payment, received, ["authorized_minor", "processing_minor"])
    payment.captured_minor += received
    key = _captured_key(payment, payment.captured_minor)
    _post(payment, Kind.CAPTURE, key, entries | {Account.CAPTURED: received})


def _book_processing(payment: Payment, working: int) -> None:
    # It may begin and end many times: each is the payment's so-manieth movement.
    number = MoneyMovement.objects.filter(payment=payment).count()
    key = f"payment-{payment.pk}-processing-{number}"
    more = working - payment.processing_minor
    kind = Kind.PROCESSING_STARTED if more > 0 else Kind.PROCESSING_ENDED
    payment.processing_minor = working
    _post(payment, kind, key, {Account.CUSTOMER: -more, Account.PROCESSING: more})


def _let_go(payment: Payment, kind: Kind, key: str, held: int) -> None:
    less = payment.authorized_minor - held
    payment.authorized_minor = held
    _post(payment, kind, key, {Account.AUTHORIZED: -less, Account.CUSTOMER: less})


_ACCOUNTS = {"processing_minor": Account.PROCESSING, "authorized_minor": Account.AUTHORIZED}


def _draw(payment: Payment, amount: int, counters: Sequence[str]) -> dict[str, int]:
    """Take the amount from what waits in these counters, and the rest from the customer."""
    entries: dict[str, int] = {}
    for counter in counters:
        waiting = getattr(payment, counter)
        drawn = min(amount, waiting)
        setattr(payment, counter, waiting - drawn)
        entries[_ACCOUNTS[counter]] = -drawn
        amount -= drawn
    return entries | {Account.CUSTOMER: -amount}


def _book_refund(
    refund: Refund, kind: Kind, step: str, source: Account, destination: Account
) -> None:
    amount = refund.amount_minor
    entries: dict[str, int] = {source: -amount, destination: amount}
    key = f"refund-{refund.pk}-{step}"
    _post(refund.payment, kind, key, entries, refund=refund, actor_id=refund.actor_id)


def _post(
    payment: Payment,
    kind: Kind,
    once_key: str,
    entries: Mapping[str, int],
    *,
    refund: Refund | None = None,
    actor_id: int | None = None,
) -> None:
    if sum(entries.values()) != 0:
        raise AssertionError(f"{once_key} does not add up: {dict(entries)}")
    movement = MoneyMovement(
        payment=payment, kind=kind, once_key=once_key, refund=refund, actor_id=actor_id
    )
    statements.insert(movement)
    statements.insert_all(
        MoneyEntry(
            movement=movement, account=account, amount_minor=amount, currency=payment.currency
        )
        for account, amount in entries.items()
        if amount
    )
