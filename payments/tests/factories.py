"""Payments for tests, and a stand-in for the floor above that knows what is due."""

from typing import Any

import factory
from django.db import transaction

from accounts.tests.factories import UserFactory
from payments import selectors, services
from payments.models import Payment, Refund
from payments.services import ledger
from shop_backend.kernel.errors import Conflict, Missing, ShopError
from shop_backend.kernel.money import Money


class OrderNotFound(Missing):
    code = "order_not_found"
    message = "There is no such order."


class NothingDue(Conflict):
    code = "nothing_due"
    message = "Nothing is due on this order."


class Orders:
    """Answers what orders would: what is due, and whose it is. Orders are totals by number."""

    def __init__(self) -> None:
        self.totals: dict[str, tuple[Money, int]] = {}

    def place(self, customer: Any, minor: int = 1999, number: str | None = None) -> str:
        """Enter an order of so much, and return its number."""
        number = number or f"R{len(self.totals) + 1:012d}"
        self.totals[number] = (Money(minor, "GBP"), customer.pk)
        return number

    def resolve_reference(self, *, order_id: str, customer_id: int | None) -> str:
        numbers = list(self.totals)
        if order_id.isascii() and order_id.isdigit():
            position = int(order_id)
            order_id = numbers[position - 1] if 0 < position <= len(numbers) else ""
        order_id = order_id.upper()
        self._check(order_id, customer_id)
        return order_id

    def get_amount_due(self, *, reference: str, customer_id: int | None) -> Money:
        self._check(reference, customer_id)
        due = self.totals[reference][0] - selectors.get_balance(reference=reference).captured
        if due.minor <= 0:
            raise NothingDue
        return due

    def make_room(self, refusal: ShopError) -> bool:
        return False

    def get_customer_id(self, *, reference: str) -> int:
        return self.totals[reference][1]

    def _check(self, reference: str, customer_id: int | None) -> None:
        if reference not in self.totals:
            raise OrderNotFound
        if customer_id not in {None, self.totals[reference][1]}:
            raise OrderNotFound


class PaymentFactory(factory.django.DjangoModelFactory[Payment]):
    """An offline payment that came in, and stands in the ledger; 19.99 pounds."""

    class Meta:
        model = Payment

    reference = factory.Sequence(lambda number: f"RX{number}")
    customer = factory.SubFactory(UserFactory)
    provider = Payment.OFFLINE
    status = Payment.Status.SUCCEEDED
    amount_minor = 1999
    captured_minor = factory.SelfAttribute("amount_minor")
    currency = "GBP"

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Payment:
        payment = super()._create(model_class, *args, **kwargs)
        if payment.captured_minor:
            with transaction.atomic():
                ledger.book_offline(payment=payment, actor_id=None)
        return payment


class RefundFactory(factory.django.DjangoModelFactory[Refund]):
    """A pending refund of one pound."""

    class Meta:
        model = Refund

    payment = factory.SubFactory(PaymentFactory, refunded_minor=100)
    amount_minor = 100
    currency = "GBP"

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Refund:
        refund = super()._create(model_class, *args, **kwargs)
        with transaction.atomic():
            ledger.book_refund_request(refund=refund)
        return refund


def pay(orders: Orders, customer: Any, *, minor: int = 1999, card: str = "pm_card_visa") -> Payment:
    """Place an order and pay it by card, at the service's door."""
    number = orders.place(customer, minor)
    return services.start_payment(reference=number, customer=customer, payment_method=card)
