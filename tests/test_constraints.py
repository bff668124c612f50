"""The database forbids: every constraint of every table is broken once with plain SQL.

Found by introspection: a new constraint without a row that breaks it fails here, and so does a
new counter or amount without a constraint.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone

from catalog.models import TaxClass
from shop_backend.kernel.money import MAX_MINOR
from tests.every_row import fill_every_table, insert, made_up, sound_row

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

APPS = ("accounts", "catalog", "cart", "orders", "payments", "shipping", "inventory", "kernel")
MODELS = [model for model in apps.get_models() if model._meta.app_label in APPS]
CHECKS = [
    (model, constraint)
    for model in MODELS
    for constraint in model._meta.constraints
    if isinstance(constraint, models.CheckConstraint)
]
_NOW = timezone.now()
_PERCENT = {"kind": "percent", "amount_minor": None, "percent_basis_points": 1}
_FIXED = {"kind": "fixed", "amount_minor": 1, "percent_basis_points": None}
_CAPTURED = {"amount_minor": 5, "captured_minor": 5, "refunded_minor": 0}
# For every CHECK the changes to a sound row that it must refuse, each on its own.
BREAKING: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "otp_tries_at_most_5": [{"tries": 6}],
    "stock_on_hand_not_negative": [{"on_hand": -1, "reserved": -1}],
    "stock_reserved_within_on_hand": [{"on_hand": 3, "reserved": 4}],
    "reservation_not_empty": [{"quantity": 0}],
    "movement_moves_something": [{"on_hand_delta": 0, "reserved_delta": 0}],
    "product_price_not_negative": [{"from_price_minor": -1}],
    "product_rating_of_reviews": [
        {"review_count": 0, "rating_hundredths": 100},
        {"review_count": 1, "rating_hundredths": 99},
        {"review_count": 1, "rating_hundredths": 501},
    ],
    "review_rating_in_bounds": [{"rating": 0}, {"rating": 6}],
    "product_published_forwards": [
        {"published_from": _NOW, "published_until": _NOW},
        {"published_from": _NOW, "published_until": _NOW - timedelta(days=1)},
    ],
    "variant_price_in_bounds": [{"price_minor": -1}, {"price_minor": MAX_MINOR + 1}],
    "variant_compare_at_above_price": [
        {"price_minor": 5, "compare_at_minor": 5},
        {"compare_at_minor": MAX_MINOR + 1},
    ],
    "image_is_file_or_address": [
        {"file": "", "address": ""},
        {"file": "a.png", "address": "https://example.com/a.png"},
    ],
    "price_change_in_bounds": [{"price_minor": -1}, {"price_minor": MAX_MINOR + 1}],
    "price_change_compare_at_above_price": [
        {"price_minor": 5, "compare_at_minor": 5},
        {"compare_at_minor": MAX_MINOR + 1},
    ],
    "payment_of_something": [
        {"amount_minor": 0, "captured_minor": 0, "refunded_minor": 0},
        {"amount_minor": -1, "captured_minor": -1, "refunded_minor": -1},
    ],
    "payment_captured_within_amount": [
        {"amount_minor": 5, "captured_minor": 6, "refunded_minor": 0},
        {"captured_minor": -1, "refunded_minor": -1},
    ],
    "payment_refunded_within_captured": [
        {"captured_minor": 5, "amount_minor": 5, "refunded_minor": 6},
        {"refunded_minor": -1},
    ],
    "payment_awaited_within_amount": [
        {"processing_minor": -1},
        {"authorized_minor": -1},
        {**_CAPTURED, "processing_minor": 1},
        {**_CAPTURED, "authorized_minor": 1},
    ],
    "payment_has_its_key": [{"provider_key": ""}],
    "money_entry_of_something": [{"amount_minor": 0}],
    "money_entry_of_an_account": [{"account": "pocket"}],
    "refund_of_something": [{"amount_minor": 0}, {"amount_minor": -1}],
    "sandbox_intent_adds_up": [
        {"captured_minor": 6},
        {"captured_minor": -1, "refunded_minor": -1},
        {"captured_minor": 5, "refunded_minor": 6},
        {"refunded_minor": -1},
    ],
    "address_default_for_its_owner": [{"default_for": 987_654}],
    "method_price_in_bounds": [{"price_minor": -1}, {"price_minor": MAX_MINOR + 1}],
    "method_free_from_in_bounds": [
        {"free_from_subtotal_minor": -1},
        {"free_from_subtotal_minor": MAX_MINOR + 1},
    ],
    "method_days_in_order": [{"min_days": 3, "max_days": 2}],
    "method_subtotals_in_order": [{"min_subtotal_minor": 3, "max_subtotal_minor": 2}],
    "method_min_subtotal_not_negative": [{"min_subtotal_minor": -1}],
    "method_max_subtotal_not_negative": [{"max_subtotal_minor": -1}],
    "method_weights_in_order": [{"min_weight_grams": 3, "max_weight_grams": 2}],
    "shipping_rate_in_bounds": [
        {"from_weight_grams": 0},
        {"price_minor": -1},
        {"price_minor": MAX_MINOR + 1},
    ],
    "shipment_line_not_empty": [{"quantity": 0}],
    "coupon_worth_fits_its_kind": [
        {**_PERCENT, "percent_basis_points": None},
        {**_PERCENT, "percent_basis_points": 0},
        {**_PERCENT, "percent_basis_points": 10_001},
        {**_PERCENT, "amount_minor": 1},
        {**_FIXED, "amount_minor": None},
        {**_FIXED, "amount_minor": 0},
        {**_FIXED, "amount_minor": MAX_MINOR + 1},
        {**_FIXED, "percent_basis_points": 1},
        {**_FIXED, "kind": "free_shipping"},
        {**_PERCENT, "kind": "free_shipping"},
        {**_FIXED, "kind": "gift"},
    ],
    "coupon_min_subtotal_in_bounds": [
        {"min_subtotal_minor": -1},
        {"min_subtotal_minor": MAX_MINOR + 1},
    ],
    "coupon_times_in_order": [{"starts_at": _NOW, "ends_at": _NOW}],
    "coupon_use_released_or_retaken": [{"released_at": _NOW, "retaken_at": _NOW}],
    "cart_line_not_empty": [{"quantity": 0}],
    "cart_line_price_not_negative": [{"seen_price_minor": -1}],
    "tax_rate_in_bounds": [{"rate_ppm": 1_000_001}],
    "order_total_adds_up": [
        {"is_tax_included": True, "total_minor": 1},
        {"is_tax_included": False, "total_minor": 1},
    ],
    "order_amounts_not_negative": [
        {"subtotal_minor": -1, "total_minor": -1, "discount_minor": 0, "shipping_minor": 0},
        {"discount_minor": -1, "subtotal_minor": 0, "total_minor": 1, "shipping_minor": 0},
        {"shipping_minor": -1, "subtotal_minor": 1, "total_minor": 0, "discount_minor": 0},
        {"tax_minor": -1, "shipping_tax_minor": -1},
        {"discount_minor": 2, "subtotal_minor": 1, "total_minor": -1, "shipping_minor": 0},
    ],
    "order_shipping_tax_within_tax": [
        {"shipping_tax_minor": -1},
        {"tax_minor": 1, "shipping_tax_minor": 2},
    ],
    "order_refunded_within_captured": [
        {"refunded_minor": -1},
        {"captured_minor": 1, "refunded_minor": 2},
    ],
    "order_line_not_empty": [
        {"quantity": 0, "line_total_minor": 0, "shipped_quantity": 0, "returning_quantity": 0}
    ],
    "order_line_adds_up": [{"line_total_minor": 1}],
    "order_line_shares_in_bounds": [
        {"discount_minor": -1},
        {"discount_minor": 10**6},
        {"tax_minor": -1},
        {"quantity": 1, "unit_price_minor": -1, "line_total_minor": -1},
    ],
    "order_line_quantities_in_order": [
        {"shipped_quantity": 10**6},
        {"returned_quantity": 3, "returning_quantity": 0},
    ],
    "order_line_returns_within_shipped": [
        {"shipped_quantity": 1, "returned_quantity": 1, "returning_quantity": 1}
    ],
    "return_line_not_empty": [{"quantity": 0, "good_quantity": 0, "damaged_quantity": 0}],
    "return_line_received_within_asked": [
        {"quantity": 1, "good_quantity": 1, "damaged_quantity": 1}
    ],
}
# What one row can break only together with another; on PostgreSQL the first by name speaks.
COMPANIONS: Mapping[str, Sequence[str]] = {
    "stock_on_hand_not_negative": [
        "stock_reserved_within_on_hand",
        "inventory_stocklevel_on_hand_check",
        "inventory_stocklevel_reserved_check",
        "on_hand",
    ],
    "payment_of_something": ["payment_captured_within_amount", "payment_refunded_within_captured"],
    "payment_captured_within_amount": [
        "payment_awaited_within_amount",
        "payment_refunded_within_captured",
    ],
    "order_amounts_not_negative": ["order_shipping_tax_within_tax", "order_total_adds_up"],
    "order_line_quantities_in_order": ["order_line_returns_within_shipped"],
    "order_line_shares_in_bounds": ["out of range"],  # MariaDB multiplies unsigned
    "order_line_not_empty": ["order_line_shares_in_bounds", "order_line_quantities_in_order"],
}
# Amounts that no CHECK names, and why none is needed.
UNCHECKED = {"SandboxRefund.amount_minor": "the sandbox stands for somebody else's books"}
# What goes with its owner because it means nothing without: never money, orders or stock.
CASCADES = {
    "Address.user",
    "Cart.user",
    "CartLine.cart",
    "CartLine.variant",
    "EmailChange.user",
    "IdempotencyKey.user",
    "Option.product",
    "OptionValue.option",
    "Otp.user",
    "ProductAttributeValue.product",
    "ProductImage.product",
    "RecoveryCode.factor",
    "Session.user",
    "TwoFactor.user",
    "ShippingRate.method",
    "ZoneArea.zone",
}
TRADE = {"orders", "payments", "inventory"}


def unique_sets(model: type[models.Model]) -> dict[str, list[str]]:
    """Return the columns of everything that is unique in this table, by the constraint's name."""
    found = {
        f"{model.__name__}.{field.name}": [field.name]
        for field in model._meta.concrete_fields
        if field.unique and not field.primary_key
    }
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            assert constraint.fields, f"{constraint.name}: teach this test about expressions"
            found[constraint.name] = [source_of(model, name) for name in constraint.fields]
    return found


def source_of(model: type[models.Model], name: str) -> str:
    """Return the column that a generated column is made of; the column itself if it is none."""
    field = model._meta.get_field(name)
    if not isinstance(field, models.GeneratedField):
        return name
    (source,) = field.expression.get_source_expressions()
    return source.name


UNIQUES = [(model, name) for model in MODELS for name in unique_sets(model)]
COUNTERS = [
    (model, field)
    for model in MODELS
    for field in model._meta.concrete_fields
    if isinstance(
        field,
        models.PositiveIntegerField
        | models.PositiveSmallIntegerField
        | models.PositiveBigIntegerField,
    )
]


def distinct(model: type[models.Model], kept: Sequence[str] = ()) -> dict[str, Any]:
    """Return a sound row that is like no other in anything unique, but for the kept columns."""
    row = sound_row(model)
    for columns in unique_sets(model).values():
        free = [name for name in columns if name not in kept]
        if not free:
            continue
        text = [n for n in free if model._meta.get_field(n).get_internal_type() == "CharField"]
        own = [n for n in text if (model._meta.get_field(n).max_length or 99) > 8]
        name = (own or text or free)[-1]
        field: Any = model._meta.get_field(name)
        row[name] = None if field.null else made_up(field)
    return row


def test_every_check_has_a_row_that_breaks_it():
    assert {constraint.name for _, constraint in CHECKS} == set(BREAKING)


def test_the_database_refuses_what_a_check_forbids():
    fill_every_table()
    wrong = []
    with connection.constraint_checks_disabled():
        for model, constraint in CHECKS:
            told = {constraint.name, *COMPANIONS.get(constraint.name, ())}
            for change in BREAKING[constraint.name]:
                refusal = refusal_of(model, {**distinct(model), **change})
                if not any(name in refusal for name in told):
                    wrong.append((constraint.name, change, refusal))

    assert wrong == []


def test_the_database_refuses_the_second_of_what_is_there_once():
    fill_every_table()
    TaxClass.objects.update(is_default=False)
    wrong = []
    with connection.constraint_checks_disabled():
        for model, name in UNIQUES:
            once = {column: fresh(model, column) for column in unique_sets(model)[name]}
            if name == "one_default_tax_class":
                if not connection.features.supports_partial_indexes:
                    continue  # the services keep it exactly one there
                once = {"is_default": True}
            if name == "Address.default_for":
                once["user"] = once["default_for"]
            with transaction.atomic():
                insert(model, {**distinct(model, list(once)), **once})
                refusal = refusal_of(model, {**distinct(model, list(once)), **once})
                transaction.set_rollback(True)
            if "unique" not in refusal.lower() and "duplicate" not in refusal.lower():
                wrong.append((name, once, refusal))

    assert wrong == []


def test_no_counter_goes_below_zero():
    fill_every_table()
    with connection.constraint_checks_disabled():
        slipped = [
            f"{model.__name__}.{field.name}"
            for model, field in COUNTERS
            if not refusal_of(model, {**distinct(model), field.name: -1})
        ]

    assert slipped == []


def test_a_sound_row_is_let_in_so_that_it_is_the_change_that_is_refused():
    fill_every_table()
    kept_out = {}
    with connection.constraint_checks_disabled():
        for model in {model for model, _ in [*CHECKS, *UNIQUES, *COUNTERS]}:
            refusal = refusal_of(model, distinct(model))
            if refusal:
                kept_out[model.__name__] = refusal

    assert kept_out == {}


def refusal_of(model: type[models.Model], row: Mapping[str, Any]) -> str:
    """Return what the database says to this row, nothing if it lets it in; it never stays."""
    try:
        with transaction.atomic():
            insert(model, row)
            transaction.set_rollback(True)
    except DatabaseError as error:
        return str(error)
    return ""


def fresh(model: type[models.Model], name: str) -> Any:
    """Return a value that no row has in this column, cut to what the column holds."""
    field: Any = model._meta.get_field(name)
    value = made_up(field)
    length = getattr(field, "max_length", None)
    return value[-length:] if isinstance(value, str) and length else value


def test_every_amount_stands_in_a_check():
    bare = []
    for model in MODELS:
        named: set[str] = set()
        for constraint in model._meta.constraints:
            if isinstance(constraint, models.CheckConstraint):
                named |= constraint.condition.referenced_base_fields
        bare += [
            f"{model.__name__}.{field.name}"
            for field in model._meta.concrete_fields
            if field.name.endswith("_minor") and field.name not in named
        ]

    assert set(bare) == set(UNCHECKED)


def test_only_what_means_nothing_alone_goes_with_its_owner():
    keys = [
        (model, field)
        for model in MODELS
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey)
    ]
    cascades = {
        f"{model.__name__}.{field.name}"
        for model, field in keys
        if field.remote_field.on_delete is models.CASCADE
    }
    not_protected = {
        f"{model.__name__}.{field.name}"
        for model, field in keys
        if model._meta.app_label in TRADE and field.remote_field.on_delete is not models.PROTECT
    }

    assert cascades == CASCADES
    assert not_protected == set()


APPEND_ONLY = [model for model in MODELS if getattr(model, "APPEND_ONLY", False)]


def test_no_line_of_a_history_is_rewritten_or_torn_out():
    fill_every_table()
    slipped = []
    for model in APPEND_ONLY:
        table, key = model._meta.db_table, model._meta.pk.column
        for sql in (f"UPDATE {table} SET {key} = {key}", f"DELETE FROM {table}"):
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(sql)
                    transaction.set_rollback(True)
            except DatabaseError as error:
                if "append-only" in str(error):
                    continue
            slipped.append(sql)

    assert slipped == []
    assert {model.__name__ for model in APPEND_ONLY} >= {
        "OrderEvent",
        "PriceChange",
        "ShipmentEvent",
        "StockMovement",
    }


def test_what_can_never_be_forgotten_names_nobody():
    personal = ("email", "name", "address", "phone", "line1", "postal", "city", "ip", "agent")
    found = [
        f"{model.__name__}.{field.name}"
        for model in APPEND_ONLY
        for field in model._meta.concrete_fields
        if field.name.startswith(personal) or isinstance(field, models.EmailField)
    ]

    assert found == []
