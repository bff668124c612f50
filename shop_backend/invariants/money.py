"""Money that came and went, and coupons, which are money too."""

from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from cart.models import Coupon, CouponTally, CouponUse
from orders.models import Order, OrderEvent
from payments.models import Account, MoneyEntry, MoneyMovement, Payment, Refund
from shop_backend.invariants.base import total
from shop_backend.invariants.stock import ENDED

PAID_OR_LATER = [
    Order.Status.PAID,
    Order.Status.PROCESSING,
    Order.Status.SHIPPED,
    Order.Status.DELIVERED,
]


def _with_money() -> QuerySet[Any]:
    """Add ``came`` and ``went``: what the payments captured, and refunds that did not fail."""
    payments = Payment.objects.filter(reference=OuterRef("number"))
    refunds = Refund.objects.filter(payment__reference=OuterRef("number"))
    refunds = refunds.exclude(status=Refund.Status.FAILED)
    return Order.objects.annotate(
        came=total(payments, "captured_minor", by="reference"),
        went=total(refunds, "amount_minor", by="payment__reference"),
    )


def orders_with_money_over() -> QuerySet[Order]:
    return _with_money().filter(came__gt=F("total_minor") + F("went"))


def orders_beside_their_payments() -> QuerySet[Order]:
    return _with_money().exclude(captured_minor=F("came"), refunded_minor=F("went"))


def payments_beside_their_refunds() -> QuerySet[Payment]:
    refunds = Refund.objects.filter(payment=OuterRef("pk")).exclude(status=Refund.Status.FAILED)
    payments = Payment.objects.annotate(went=total(refunds, "amount_minor", by="payment"))
    return payments.filter(Q(went__gt=F("captured_minor")) | ~Q(went=F("refunded_minor")))


def _balance(*accounts: Account) -> Coalesce:
    """Return the balance of some accounts of a payment, by its entries."""
    entries = MoneyEntry.objects.filter(movement__payment=OuterRef("pk"), account__in=accounts)
    return total(entries, "amount_minor", by="movement__payment")


def payments_beside_their_ledger() -> QuerySet[Payment]:
    going_back = (Account.REFUND_PENDING, Account.REFUNDED)
    return Payment.objects.exclude(
        processing_minor=_balance(Account.PROCESSING),
        authorized_minor=_balance(Account.AUTHORIZED),
        captured_minor=_balance(Account.CAPTURED, *going_back),
        refunded_minor=_balance(*going_back),
    )


def refunds_beside_their_ledger() -> QuerySet[Payment]:
    """Pending refunds are on their way, succeeded ones are gone, and failed ones are neither."""
    refunds = Refund.objects.filter(payment=OuterRef("pk"))
    pending = refunds.filter(status=Refund.Status.PENDING)
    succeeded = refunds.filter(status=Refund.Status.SUCCEEDED)
    payments = Payment.objects.annotate(
        under_way=total(pending, "amount_minor", by="payment"),
        gone=total(succeeded, "amount_minor", by="payment"),
    )
    return payments.exclude(
        under_way=_balance(Account.REFUND_PENDING), gone=_balance(Account.REFUNDED)
    )


def movements_that_do_not_add_up() -> QuerySet[MoneyMovement]:
    """Per currency; one without entries moved nothing, and should not be there."""
    entries = MoneyEntry.objects.filter(movement=OuterRef("pk")).order_by()
    sums = entries.values("currency").annotate(balance=Sum("amount_minor"))
    return MoneyMovement.objects.filter(Exists(sums.exclude(balance=0)) | ~Exists(entries))


def entries_in_another_currency() -> QuerySet[MoneyEntry]:
    return MoneyEntry.objects.exclude(currency=F("movement__payment__currency"))


def orders_paid_without_money() -> QuerySet[Order]:
    return _with_money().filter(status__in=PAID_OR_LATER, came__lt=F("total_minor"))


def payments_of_no_standing_order() -> QuerySet[Payment]:
    standing = Order.objects.filter(number=OuterRef("reference")).exclude(status__in=ENDED)
    refunds = Refund.objects.filter(payment=OuterRef("pk")).exclude(status=Refund.Status.FAILED)
    payments = Payment.objects.annotate(went=total(refunds, "amount_minor", by="payment"))
    return payments.filter(~Exists(standing), captured_minor__gt=F("went"))


def orders_that_tell_of_no_capture() -> QuerySet[Order]:
    told = OrderEvent.objects.filter(order=OuterRef("pk"), kind="payment_captured")
    # Order by order: as a join, without statistics, PostgreSQL reads all events for each of them.
    first = Subquery(told.order_by(F("pk") + 0).values("pk")[:1])
    return Order.objects.annotate(told=first).filter(told=None, captured_minor__gt=0)


def coupons_miscounted() -> QuerySet[Coupon]:
    """An order that was paid after all counts beyond the limit; every other use within it."""
    is_open = Q(uses__released_at=None)
    within = Count("uses", filter=is_open & Q(uses__retaken_at=None))
    coupons = Coupon.objects.annotate(counted=Count("uses", filter=is_open), within=within)
    return coupons.filter(~Q(counted=F("used_count")) | Q(within__gt=F("usage_limit")))


def tallies_miscounted() -> QuerySet[CouponTally]:
    uses = CouponUse.objects.open().filter(coupon=OuterRef("coupon"), customer=OuterRef("customer"))
    uses = uses.annotate(one=F("coupon_id") - F("coupon_id") + 1)
    within = total(uses.filter(retaken_at=None), "one", by="coupon")
    tallies = CouponTally.objects.annotate(counted=total(uses, "one", by="coupon"), within=within)
    limit = F("coupon__per_customer_limit")
    return tallies.filter(~Q(counted=F("used_count")) | Q(within__gt=limit))


def uses_without_a_tally() -> QuerySet[CouponUse]:
    tallies = CouponTally.objects.filter(coupon=OuterRef("coupon"), customer=OuterRef("customer"))
    return CouponUse.objects.open().filter(~Exists(tallies))


def uses_beside_their_orders() -> QuerySet[CouponUse]:
    """Open exactly while its order stands."""
    orders = Order.objects.filter(number=OuterRef("reference"))
    stands = Exists(orders.exclude(status__in=ENDED))
    return CouponUse.objects.filter(
        (Q(released_at=None) & ~stands) | (~Q(released_at=None) & stands)
    )
