"""After an account's end nothing personal is left but in the books.

Somebody with unmistakable names lives a whole customer's life; then every column of every table
is read. What that life has to go through is not left to memory: it is every text that the
published document lets a customer send, and every column of text that there is.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.db import models
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from accounts.services import delete_account_as_staff
from accounts.tests.factories import StaffFactory
from cart.models import Cart
from catalog.models import Product, Review
from catalog.tests.factories import VariantFactory
from orders.models import Order, OrderEvent
from orders.tests.trade import buyer, client_of, place
from shop_backend import background
from shop_backend.kernel.idempotency import REPLAYED_HEADER
from shop_backend.kernel.models import IdempotencyKey, SpentBudget
from tests import canary, security_matrix
from tests.contract.document import path_of
from tests.routes import api_routes

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

# What the law wants kept of a sale and its money: to whom it was sent, and what staff wrote down
# as the ground of a payment or a refund.
BOOKS = {
    "orders_order.email", "orders_order.full_name", "orders_order.line1", "orders_order.line2",
    "orders_order.city", "orders_order.region", "orders_order.phone", "orders_order.postal_code",
    "payments_payment.note", "payments_refund.reason",
}  # fmt: skip
# Columns of text that no word of a customer gets into, nor one about a customer, and why.
WITHOUT_WORDS = {
    "the house's words about its goods, prices and ways": """
        auth_group.* auth_permission.* django_content_type.* inventory_location.*
        inventory_stockitem.* inventory_stockmovement.* catalog_attribute.* catalog_category.*
        catalog_option.* catalog_optionvalue.* catalog_pricechange.* catalog_product.*
        catalog_productattributevalue.* catalog_productimage.* catalog_taxclass.*
        catalog_variant.* cart_coupon.* cart_taxrate.* shipping_shippingmethod.* shipping_zone.*
        shipping_zonearea.*""",
    "copies of them": """
        orders_orderline.* shipping_shipmentline.* orders_order.coupon_code
        orders_order.shipping_method_name orders_order.shipping_tax_name""",
    "numbers, codes and moments": """
        cart_couponuse.reference inventory_reservation.reference orders_order.number
        orders_order.currency orders_order.country shipping_address.country
        shipping_shipment.reference orders_orderevent.kind orders_orderevent.data
        kernel_recordedevent.* kernel_idempotencykey.operation kernel_outboxmessage.kind
        kernel_outboxmessage.payload""",
    "the carrier's": "shipping_shipment.carrier shipping_shipment.tracking_number",
    "digests and sealed secrets": """
        accounts_user.password accounts_session.refresh_jti accounts_session.recent_rotations
        accounts_otp.code_hash accounts_otprequestcount.address_digest
        accounts_twofactor.sealed_secret accounts_recoverycode.code_hash
        kernel_idempotencykey.fingerprint""",
    "of staff alone": """
        django_session.* django_admin_log.object_id django_admin_log.change_message
        kernel_auditentry.*""",
    "errors, with addresses masked": "kernel_outboxmessage.last_error",
    "ids and codes between the shop and its provider": """
        payments_moneyentry.* payments_moneymovement.* payments_providerevent.*
        payments_sandboxevent.* payments_sandboxintent.* payments_sandboxrefund.*
        payments_sandboxrequest.* payments_payment.reference payments_payment.open_reference
        payments_payment.provider payments_payment.provider_reference
        payments_payment.client_secret payments_payment.currency payments_payment.failure_code
        payments_payment.next_action payments_payment.confirmation_attempt
        payments_payment.start_attempt payments_payment.ending_attempt
        payments_payment.provider_key payments_payment.review_reason payments_refund.currency
        payments_refund.attempt_key payments_refund.provider_reference
        payments_refund.failure_code""",
    "why staff let a payment stand that did not fit: of the books": "payments_paymentreview.*",
}
# Fields of bodies that take no words of one's own, and why.
NOT_WORDS = {
    "kept as a digest, or not at all": {
        "password", "re_password", "old_password", "new_password", "current_password",
        "re_new_password", "otp", "code", "refresh", "token", "uid",
    },
    "names what is there, and is refused otherwise": {
        "product_id", "product", "sku", "order_id", "payment_method", "coupon", "country",
        "location",
    },
}  # fmt: skip
# Operations that are another's, and why.
NOT_ASKED = {
    "accounts_users_create": "the service of accounts_register, which made the account",
    "auth_users_create": "the same",
    "orders_notes_create": "a customer gets past the door alone; only staff write notes",
}
# What belongs to an account as long as there is one; all else has its time (docs/settings.md).
IN_USE = {
    "accounts_user", "catalog_review", "orders_order", "orders_ordernote", "orders_return",
    "payments_payment", "payments_refund", "shipping_address",
}  # fmt: skip
TEXTS = (models.CharField, models.TextField, models.JSONField, models.GenericIPAddressField)


@pytest.fixture(autouse=True)
def _limits(settings):
    settings.RATE_LIMITS = True


def texts_that_customers_send() -> Iterator[tuple[str, str]]:
    """Return operation and path of every text that is the customer's to choose."""
    exact = set().union(*NOT_WORDS.values())
    rows = security_matrix.committed()
    for route in api_routes():
        operation = canary.DOCUMENT.operations.get((route.method, path_of(route.template)))
        row = rows.get(f"{route.method.upper()} /{route.template}", {})
        if operation is None or row.get("owner") != security_matrix.IN:
            continue
        if operation.name not in NOT_ASKED:
            for path in canary.texts_of(operation):
                if path.rpartition(".")[2] not in exact:
                    yield operation.name, path


def columns_of_text() -> Iterator[str]:
    """Return every column that holds texts without a list of choices."""
    for model in apps.get_models(include_auto_created=True):
        for column in model._meta.concrete_fields:
            if isinstance(column, TEXTS) and not column.choices:
                yield f"{model._meta.db_table}.{column.column}"


def columns_with_words() -> set[str]:
    return {f"{table}.{column}" for table, column in canary.places_of_words()}


def test_the_canary_has_said_something_wherever_a_customer_may():
    wanted = set(texts_that_customers_send())
    assert len(wanted) > 60

    _, client = canary.live()

    assert wanted - client.carried == set(), "let tests/canary.py send it, or say why not"


def test_every_column_of_text_has_met_the_canary_or_says_why_it_cannot():
    user, _ = canary.live()
    canary.staff_look_after(user)
    columns, reached = set(columns_of_text()), columns_with_words()

    declared = set(" ".join(WITHOUT_WORDS.values()).split())
    whole = {name.removesuffix("*") for name in declared if name.endswith(".*")}
    unmet = {name for name in columns - reached if f"{name.partition('.')[0]}." not in whole}

    assert unmet == {name for name in declared if not name.endswith(".*")}
    assert whole <= {f"{name.partition('.')[0]}." for name in columns - reached}
    assert not [name for name in reached if f"{name.partition('.')[0]}." in whole]


def test_after_an_accounts_end_nothing_personal_is_left_but_in_the_books():
    user, client = canary.live()
    canary.staff_look_after(user)
    assert columns_with_words() > BOOKS
    assert LogEntry.objects.filter(object_repr="zzcanaryname").exists()

    answer = client.delete("/api/accounts/user/", {"current_password": canary.PASSWORD})
    SpentBudget.objects.update(spent_until=0)  # as if the minutes of every limit had passed
    call_command("sweep")

    assert answer.status_code == 200
    assert columns_with_words() == BOOKS
    assert set(Order.objects.values_list("customer_id", "full_name")) == {
        (user.pk, "Away Zzcanaryfull")
    }
    (review,) = Review.objects.all()
    assert (review.author, review.rating, review.title, review.text) == (None, 5, "", "")


def test_a_repeat_of_staff_has_no_second_effect_and_tells_what_is_left():
    variant: Any = VariantFactory(stock=2)
    order = place(buyer(), (variant, 1), note="Ring at the back.")
    support: Any = StaffFactory(role="support")
    asked = {
        "cancel": {},
        "notes": {"text": "She moves house.", "is_internal": True},
    }
    first = [_once(support, f"/api/orders/{order.number}/{step}/", asked[step]) for step in asked]
    assert [answer.status_code for answer in first] == [200, 201]
    events = OrderEvent.objects.count()

    delete_account_as_staff(user=order.customer)
    told, gone = (
        _once(support, f"/api/orders/{order.number}/{step}/", asked[step]) for step in asked
    )

    assert (told.status_code, told.headers[REPLAYED_HEADER]) == (200, "true")
    assert (told.json()["data"]["status"], told.json()["data"]["note"]) == ("cancelled", "")
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    assert OrderEvent.objects.count() == events
    assert set(IdempotencyKey.objects.values_list("user", "operation", "payload")) == {
        (support.pk, "orders.cancel", str(order.pk)),
        (support.pk, "orders.note", str(first[1].json()["data"]["id"])),
    }


def _once(actor: User, path: str, body: dict[str, Any]) -> Any:
    return client_of(actor).post(path, body, format="json", headers={"Idempotency-Key": "one"})


def test_of_an_account_that_goes_on_only_what_is_in_use_is_left_after_its_time():
    user, client = canary.live()
    canary.staff_look_after(user)
    client.must("post", "/api/orders/", {})  # from the cart, to the address typed into it
    client.must("post", "/api/cart/", {"product": Product.objects.all()[0].pk, "quantity": 1})
    client.must("put", "/api/cart/shipping/", {"address": canary.address("Later")})
    later = timezone.now() + timedelta(days=400)
    IdempotencyKey.objects.update(created_at=F("created_at") - timedelta(days=400))
    SpentBudget.objects.update(spent_until=0)

    for sweep in background.SWEEPS.values():
        sweep.run(later)

    assert {name.partition(".")[0] for name in columns_with_words()} == IN_USE
    assert not Cart.objects.exclude(shipping_address=None).exists()


def test_the_export_before_it_holds_what_was_said_and_typed():
    user, client = canary.live()

    text = str(client.get("/api/accounts/user/export/").json()["data"]).lower()

    for word in (
        "zzcanaryname", "zzcanary@example.com", "zzcanarynew@example.com", "zzcanaryfirst",
        "zzcanarylast", "zzcanarybrowser", "198.51.100.77", "home zzcanarystreet",
        "away zzcanarystreet", "zzcanarynote", "zzcanaryreason", "zzcanarytitle", "zzcanarytext",
        "cart zzcanarystreet", "zzcanary-key",
    ):  # fmt: skip
        assert word in text, word
    assert canary.code_of(user) not in text
