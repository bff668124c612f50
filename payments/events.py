"""What payments reports upward, each in the transaction in which it became true."""

from dataclasses import dataclass, field

from shop_backend.kernel.money import Money


@dataclass(frozen=True)
class PaymentAuthorized:
    """The money is set aside at the provider and waits for its capture or its void."""

    reference: str
    payment_id: int
    amount: Money


@dataclass(frozen=True)
class PaymentCaptured:
    """Money came in: ``amount`` is what is new. It may come after a cancellation."""

    reference: str
    payment_id: int
    amount: Money
    # Who, if a person did it; it makes the news no other.
    actor_id: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class PaymentFailed:
    """An attempt was declined; the payment stays open for another."""

    reference: str
    payment_id: int
    code: str


@dataclass(frozen=True)
class PaymentCanceled:
    """The payment will not be collected any more."""

    reference: str
    payment_id: int


@dataclass(frozen=True)
class PaymentRefunded:
    """A refund succeeded: ``amount`` is on its way to the customer."""

    reference: str
    payment_id: int
    amount: Money
    # Who, if a person did it; it makes the news no other.
    actor_id: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class PaymentRefundFailed:
    """A refund will not be made: ``amount`` stays with the shop, and can be refunded again."""

    reference: str
    payment_id: int
    amount: Money
    code: str
