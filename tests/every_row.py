"""One sound row of every table that has a constraint, and raw copies of it."""

from collections.abc import Mapping
from itertools import count
from typing import Any
from uuid import uuid4

from django.db import connection, models
from django.utils import timezone

from accounts.models import EmailChange, Otp, OtpRequestCount, RecoveryCode, TwoFactor
from cart.models import Cart, CartLine
from cart.tests.factories import CouponFactory, TaxRateFactory
from catalog.models import (
    Attribute,
    Option,
    OptionValue,
    PriceChange,
    ProductAttributeValue,
    ProductImage,
    Review,
)
from catalog.tests.factories import CategoryFactory, VariantFactory
from orders.models import OrderNote
from orders.tests.trade import ask_back, buyer, place, place_and_deliver
from payments.models import (
    Payment,
    PaymentReview,
    ProviderEvent,
    SandboxEvent,
    SandboxIntent,
    SandboxRefund,
    SandboxRequest,
)
from payments.tests.factories import RefundFactory
from shipping.models import ShippingRate, Zone, ZoneArea
from shipping.tests.factories import ShippingMethodFactory
from shop_backend.kernel.models import AuditEntry, IdempotencyKey

_fresh = count(1_000_000)


def fill_every_table():  # untyped, as the factories are
    """Let everything happen once, and write by hand what trade does not bring."""
    now = timezone.now()
    user, variant = buyer(), VariantFactory(stock=9, price_minor=700)
    CouponFactory(code="TENTH")
    order = place_and_deliver(user, (variant, 2))
    place(user, (variant, 1), coupon="TENTH")
    assert ask_back(order, 1).status_code == 201
    OrderNote.objects.create(order=order, text="Rang.")
    RefundFactory()
    cart = Cart.objects.create(user=user, open_for=user.pk)
    CartLine.objects.create(cart=cart, variant=variant, quantity=1, seen_price_minor=700)
    TaxRateFactory()
    CategoryFactory()
    ProductImage.objects.create(product=variant.product, address="https://example.com/a.png")
    PriceChange.objects.create(variant=variant, price_minor=700, currency="GBP")
    Review.objects.create(product=variant.product, author=user, rating=5)
    option = Option.objects.create(product=variant.product, name="Size")
    OptionValue.objects.create(option=option, value="L")
    attribute = Attribute.objects.create(code="width", name="Width")
    ProductAttributeValue.objects.create(product=variant.product, attribute=attribute, value="3")
    zone = Zone.objects.create(name="Island")
    ZoneArea.objects.create(zone=zone, country="GB")
    ShippingRate.objects.create(
        method=ShippingMethodFactory(), from_weight_grams=500, price_minor=900
    )
    factor = TwoFactor.objects.create(user=user, sealed_secret="x")
    RecoveryCode.objects.create(factor=factor, code_hash="x")
    AuditEntry.objects.create(write=uuid4(), phase="attempt", actor=user)
    Otp.objects.create(
        user=user, purpose="activation", email="a@example.com", code_hash="x", expires_at=now
    )
    OtpRequestCount.objects.create(
        purpose="activation", address_digest="x", **{f"asked_at_{n}": now for n in range(1, 6)}
    )
    EmailChange.objects.create(user=user, new_email="b@example.com")
    IdempotencyKey.objects.create(user=user, operation="orders.place", key="k", fingerprint="f")
    ProviderEvent.objects.create(provider="sandbox", event_id="e", kind="k", payload={})
    PaymentReview.objects.create(payment=Payment.objects.order_by("pk")[0], reason="amount")
    SandboxEvent.objects.create(event_id="e", kind="k", payload={})
    SandboxRequest.objects.create(key="k", fingerprint="f")
    intent = SandboxIntent.objects.create(
        intent_id="pi", client_secret="s", status="succeeded", amount_minor=5, currency="GBP"
    )
    SandboxRefund.objects.create(refund_id="re", intent=intent, status="pending", amount_minor=5)


def sound_row(model: type[models.Model]) -> dict[str, Any]:
    """Return the columns of the table's latest row, without its key and what is generated."""
    row = model._default_manager.order_by("pk").last()
    assert row is not None, f"fill_every_table writes no {model.__name__}"
    return {
        field.name: getattr(row, field.attname)
        for field in model._meta.concrete_fields
        if not field.generated and not (field.primary_key and field.db_returning)
    }


def made_up(field: "models.Field[Any, Any]") -> Any:
    """Return a value for this column that no row has yet."""
    number = next(_fresh)
    if field.choices:
        return list(field.flatchoices)[-1][0]
    if isinstance(field, models.BooleanField):
        return False
    if isinstance(field, models.DateTimeField):
        return timezone.now()
    if isinstance(field, models.EmailField):
        return f"{number}@example.com"
    if isinstance(field, models.CharField):
        return f"x{number}"
    return number


def insert(model: type[models.Model], row: Mapping[str, Any]) -> None:
    """Write the row with plain SQL: nothing but the database can refuse it."""
    meta = model._meta
    fields: list[Any] = [meta.get_field(name) for name in row]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    values = [field.get_db_prep_save(row[field.name], connection) for field in fields]
    marks = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES ({marks})", values)
