"""Every table is in the export of a person, or it is said here why it is not."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from django.utils import timezone

from accounts.models import EmailChange, RecoveryCode, User
from accounts.tests.factories import StaffFactory
from orders.models import OrderEvent
from orders.tests.trade import client_of
from shop_backend.kernel.models import AuditEntry
from tests import canary
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

# By table: the part of the export, and what of every row of a person's has to stand there.
EXPORTED = {
    "accounts.User": ("account", "username"),
    "accounts.User_groups": ("account", "group__name"),
    "accounts.User_user_permissions": ("account", "permission__codename"),
    "accounts.Session": ("sessions", "created_at"),
    "accounts.Otp": ("codes", "expires_at"),
    "accounts.EmailChange": ("email_change", "requested_at"),
    "accounts.TwoFactor": ("two_factor", "confirmed_at"),
    "accounts.RecoveryCode": ("two_factor", "used_at"),
    "kernel.IdempotencyKey": ("idempotency_keys", "key"),
    "kernel.AuditEntry": ("audit", "at"),
    "shipping.Address": ("addresses", "line1"),
    "shipping.Shipment": ("shipments", "tracking_number"),
    "shipping.ShipmentLine": ("shipments", "sku"),
    "shipping.ShipmentEvent": ("shipments", "created_at"),
    "cart.Cart": ("cart_addresses", "shipping_address__line1"),
    "cart.CartLine": ("cart", "variant__sku"),
    "cart.CouponUse": ("coupons_used", "reference"),
    "catalog.Review": ("reviews", "created_at"),
    "orders.Order": ("orders", "number"),
    "orders.OrderLine": ("orders", "sku"),
    "orders.OrderEvent": ("orders", "created_at"),
    "orders.OrderNote": ("orders", "created_at"),
    "orders.Return": ("orders", "reason"),
    "orders.ReturnLine": ("orders", "order_line__sku"),
    "payments.Payment": ("payments", "created_at"),
    "payments.Refund": ("payments", "reason"),
}
# About somebody, and yet not in it.
LEFT_OUT = {
    "admin.LogEntry": "what staff did at the admin site: the audit log has it, which is in it",
    "sessions.Session": "a sign-in at the admin site, sealed, for 12 hours at most",
    "cart.CouponTally": "the number of the coupons used, which are in it",
    "kernel.OutboxMessage": "an id and a purpose; the mail itself is in the person's mailbox",
    "kernel.RecordedEvent": "ids, amounts and codes of what orders, payments and shipments tell",
    "kernel.SpentBudget": "a moment under a digest or an address, gone in hours",
    "accounts.OtpRequestCount": "moments under a digest, gone in two hours",
    "inventory.Reservation": "units of an order, which is in it",
    "inventory.StockMovement": "what staff did with goods: the audit log has it",
    "catalog.PriceChange": "what staff did with prices: the audit log has it",
    "payments.MoneyMovement": "the payments' amounts once more, as bookings",
    "payments.MoneyEntry": "the payments' amounts once more, as bookings",
    "payments.PaymentReview": "a doubt about what the provider said, with the house's own notes",
    "payments.ProviderEvent": "what the provider said about a payment, without the payer",
    "payments.SandboxIntent": "the built-in provider's own",
    "payments.SandboxRefund": "the built-in provider's own",
    "payments.SandboxEvent": "the built-in provider's own",
    "payments.SandboxRequest": "the built-in provider's own",
}
ABOUT_NOBODY = {
    "auth.Group", "auth.Group_permissions", "auth.Permission", "contenttypes.ContentType",
    "cart.Coupon", "cart.Coupon_categories", "cart.Coupon_products", "cart.TaxRate",
    "catalog.Attribute", "catalog.CatalogueChange", "catalog.Category", "catalog.Option",
    "catalog.OptionValue", "catalog.Product", "catalog.ProductAttributeValue",
    "catalog.ProductImage", "catalog.StockDoubt", "catalog.TaxClass", "catalog.Variant",
    "catalog.Variant_option_values", "inventory.Location", "inventory.StockItem",
    "inventory.StockLevel", "shipping.ShippingMethod", "shipping.ShippingMethod_zones",
    "shipping.ShippingRate", "shipping.Zone", "shipping.ZoneArea",
}  # fmt: skip
# The house's notes to itself are not in it, nor that there are any.
INTERNAL: dict[str, dict[str, Any]] = {
    "orders.OrderNote": {"is_internal": True},
    "orders.OrderEvent": {"kind": OrderEvent.INTERNAL_NOTE},
}
NO_ROW = "the test has no row of it"
# Columns that name a person without being a foreign key.
NAMING = ("actor_id", "author_id", "moderator_id", "user_id", "customer_id", "_by_id", "_for")


def every_model() -> list[type[models.Model]]:
    return list(apps.get_models(include_auto_created=True))


def way_to_people(model: type[models.Model]) -> str | None:
    """Return the shortest look-up from a table to the account it hangs on; ``None``: none."""
    ways: list[tuple[str, Any]] = [("", model)]
    for way, here in ways:
        if here is User:
            return way.removesuffix("__") or "pk"
        if way.count("__") < 4:
            keys = (column for column in here._meta.concrete_fields if column.is_relation)
            ways += [(f"{way}{key.name}__", key.related_model) for key in keys]
    return None


def names_somebody(model: type[models.Model]) -> bool:
    bare = [column for column in model._meta.concrete_fields if not column.is_relation]
    return any(column.name.endswith(NAMING) for column in bare)


def rows_of(model: type[models.Model], user: User) -> models.QuerySet[Any]:
    rows = model._base_manager.filter(**{str(way_to_people(model)): user.pk})
    return rows.exclude(**INTERNAL.get(model._meta.label, {"pk": None}))


def test_every_table_is_in_the_export_or_it_is_said_why_not():
    tables = {model._meta.label for model in every_model()}
    kinds = [set(EXPORTED), set(LEFT_OUT), ABOUT_NOBODY]

    assert set().union(*kinds) == tables
    assert sum(map(len, kinds)) == len(tables)


@pytest.mark.parametrize("label", sorted(ABOUT_NOBODY))
def test_what_is_said_to_be_about_nobody_points_to_nobody(label):
    model = apps.get_model(label) if "_" not in label else None
    found = model or next(each for each in every_model() if each._meta.label == label)

    assert way_to_people(found) is None
    assert not names_somebody(found)


def missing(user: User, data: dict[str, Any]) -> Iterator[str]:
    """Return what of the person's rows is not in their part of the export, and what has none."""
    for model in every_model():
        part, name = EXPORTED.get(model._meta.label, ("", ""))
        if not part:
            continue
        values = {value for value in rows_of(model, user).values_list(name, flat=True) if value}
        if not values:
            yield f"{model._meta.label}: {NO_ROW}"
        text = json.dumps(data[part])
        for value in values:
            told = f"{value:%Y-%m-%dT%H:%M:%S.%f}" if isinstance(value, datetime) else str(value)
            if told not in text:
                yield f"{model._meta.label}.{name} {told}"


def test_every_row_about_a_person_is_in_the_export():
    user, client = canary.live()
    canary.staff_look_after(user)
    RecoveryCode.objects.filter(factor__user=user).update(used_at=timezone.now())
    change = EmailChange.objects.get(user=user)

    data = client.get("/api/accounts/user/export/").json()["data"]

    of_staff = {"accounts.User_groups", "accounts.User_user_permissions", "kernel.AuditEntry"}
    assert set(missing(user, data)) == {f"{label}: {NO_ROW}" for label in of_staff}
    assert data["email_change"]["new_email"] == change.new_email
    assert data["two_factor"]["recovery_codes_left"] == 0
    assert data["left_out"] == {"audit": 0, "idempotency_keys": 0}


def test_what_is_kept_about_the_staff_is_in_theirs():
    admin = StaffFactory(role="admin")
    permission = admin.groups.get().permissions.order_by("pk")[0]
    admin.user_permissions.add(permission)
    api = ShopClient()
    api.sign_in(admin)
    api.post("/api/shipping/zones/", {"name": "Isles", "areas": [{"country": "IM"}]})
    assert AuditEntry.objects.filter(actor=admin).count() == 3  # begun; the zone; its area

    data = api.get("/api/accounts/user/export/").json()["data"]

    assert [line for line in missing(admin, data) if NO_ROW not in line] == []
    assert data["account"]["roles"] == ["admin"]
    assert [entry["phase"] for entry in data["audit"]] == ["outcome", "outcome", "attempt"]


def test_a_long_log_is_cut_and_the_export_says_by_how_much(django_assert_max_num_queries):
    admin = StaffFactory(role="admin")
    AuditEntry.objects.bulk_create(
        AuditEntry(
            write="11111111-1111-4111-8111-111111111111", phase="attempt", actor=admin,
            roles="admin", request_id=f"request {turn}", action="POST /api/x/",
        )
        for turn in range(1_003)
    )  # fmt: skip

    with django_assert_max_num_queries(30):
        data = client_of(admin).get("/api/accounts/user/export/").json()["data"]

    assert len(data["audit"]) == 1_000
    assert data["audit"][0]["request_id"] == "request 1002"
    assert data["left_out"] == {"audit": 3, "idempotency_keys": 0}
