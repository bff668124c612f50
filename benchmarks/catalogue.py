"""A catalogue of any size, made inside the database; the same one every time."""

import math
from collections.abc import Mapping
from typing import Any

from django.db import connection, models, transaction
from tqdm import tqdm

from benchmarks.words import ADJECTIVES, NOUNS
from catalog.models import (
    Category,
    Option,
    OptionValue,
    PriceChange,
    Product,
    ProductImage,
    StockDoubt,
    Variant,
)
from catalog.services import settle_stock_doubts
from inventory.models import Location, StockItem, StockLevel, StockMovement
from shipping.models import ShippingMethod

CATEGORIES = 2_000
CHUNK = 20_000  # products a transaction
EVERY_SO_MANY_HAS_SIZES = 5
SIZES = ("S", "M", "L")


def make(products: int) -> None:
    """Fill the database up to so many products; one interrupted goes on where it stopped."""
    Location.objects.get_or_create(code="main", defaults={"name": "Main", "priority": 1})
    _make_categories()
    if not ShippingMethod.objects.exists():
        ShippingMethod.objects.create(code="post", name="Post", price_minor=395, currency="GBP")
    made = Product.objects.aggregate(last=models.Max("pk"))["last"] or 0
    with tqdm(total=products, initial=made, desc="products", unit="", disable=None) as progress:
        while made < products:
            upto = min(made + CHUNK, products)
            with transaction.atomic():
                _make_products(made + 1, upto)
            while settle_stock_doubts(limit=CHUNK):
                pass
            _vacuum(StockDoubt)
            progress.update(upto - made)
            made = upto
    _reset_sequences()
    _vacuum()


def _vacuum(*emptied: type[models.Model]) -> None:
    tables = ", ".join(model._meta.db_table for model in emptied)
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {tables}")


def _make_categories() -> None:
    if Category.objects.count() >= CATEGORIES:
        return
    tops = math.isqrt(CATEGORIES) // 2
    Category.objects.bulk_create(
        Category(
            pk=number,
            name=f"{ADJECTIVES[number % len(ADJECTIVES)]} {NOUNS[number % len(NOUNS)]}s".title(),
            slug=f"category-{number}",
            parent_id=None if number <= tops else (number - 1) // 10 or None,
        )
        for number in range(1, CATEGORIES + 1)
    )


def _make_products(first: int, last: int) -> None:
    numbers = f"generate_series({first}::bigint, {last}) AS n"
    adjectives, nouns = _array(ADJECTIVES), _array(NOUNS)
    name = (
        f"initcap({adjectives}[1 + (n * 7919) % {len(ADJECTIVES)}] || ' ' ||"
        f" {adjectives}[1 + (n * 104729) % {len(ADJECTIVES)}] || ' ' ||"
        f" {nouns}[1 + (n * 1299709) % {len(NOUNS)}]) || ' ' || n"
    )
    lorem = " ".join(ADJECTIVES[:40])
    price = "99 + (n * 2654435761) % 19900"
    # A product with sizes has three variants; their ids are 3n - 2 to 3n, the others' 3n.
    sized = f"n % {EVERY_SO_MANY_HAS_SIZES} = 0"
    variants = f"{numbers} CROSS JOIN generate_series(0, 2) AS k WHERE k = 0 OR {sized}"
    sku, key = "'SKU-' || n || '-' || k", "3 * n - k"
    at_hand = "(n * 31 + k) % 120"
    _insert(
        Product,
        {
            "id": "n",
            "name": name,
            "slug": "'product-' || n",
            "description": f"'A {lorem}, the ' || n || 'th of its kind.'",
            "status": "'active'",
            "from_price_minor": price,
            "currency": "'GBP'",
            "category_id": f"1 + (n * 48271) % {CATEGORIES}",
            "created_at": "timestamptz '2020-01-01' + n * interval '61 seconds'",
            # As the shop will find it when it looks: every row would be written twice otherwise.
            "is_in_stock": f"{sized} OR (n * 31) % 120 > 0",
        },
        numbers,
    )
    _insert(
        ProductImage,
        {"product_id": "n", "address": "'https://images.example.com/' || n || '.webp'"},
        numbers,
    )
    _insert(StockItem, {"id": key, "sku": sku}, variants)
    _insert(
        StockLevel,
        {"id": key, "item_id": key, "location_id": _main_location(), "on_hand": at_hand},
        variants,
    )
    _insert(
        StockMovement,
        {"level_id": key, "kind": "'receipt'", "on_hand_delta": at_hand},
        f"{numbers} CROSS JOIN generate_series(0, 2) AS k"
        f" WHERE (k = 0 OR {sized}) AND {at_hand} > 0",
    )
    _insert(
        Variant,
        {
            "id": key,
            "sku": sku,
            "product_id": "n",
            "stock_item_id": key,
            "price_minor": f"{price} + k * 100",
            "currency": "'GBP'",
            "weight_grams": "200",
            "position": "k",
        },
        variants,
    )
    _insert(
        PriceChange,
        {"variant_id": key, "price_minor": f"{price} + k * 100", "currency": "'GBP'"},
        variants,
    )
    _insert(Option, {"id": "n", "product_id": "n", "name": "'Size'"}, f"{numbers} WHERE {sized}")
    _insert(
        OptionValue,
        {"id": key, "option_id": "n", "value": f"{_array(SIZES)}[k + 1]", "position": "k"},
        f"{numbers} CROSS JOIN generate_series(0, 2) AS k WHERE {sized}",
    )
    _insert(
        Variant.option_values.through,
        {"variant_id": key, "optionvalue_id": key},
        f"{numbers} CROSS JOIN generate_series(0, 2) AS k WHERE {sized}",
    )


def _insert(model: type[models.Model], columns: Mapping[str, str], source: str) -> None:
    """Insert what ``source`` gives; the columns not named get their model's defaults."""
    values, defaults = dict(columns), []
    for field in model._meta.concrete_fields:
        name = str(field.column)
        if name in values or field.primary_key or isinstance(field, models.GeneratedField):
            continue
        values[name] = "%s"
        defaults.append(field.get_db_prep_save(field.get_default(), connection))
    names = ", ".join(connection.ops.quote_name(name) for name in values)
    # The percent signs of the expressions are the modulo operator.
    selected = ", ".join(
        part if part == "%s" else part.replace("%", "%%") for part in values.values()
    )
    statement = f"INSERT INTO {model._meta.db_table} ({names}) SELECT {selected}"
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} FROM {source.replace('%', '%%')}", defaults)


def _main_location() -> str:
    return str(Location.objects.order_by("priority", "pk").values_list("pk", flat=True)[0])


def _array(words: Any) -> str:
    return "(ARRAY[" + ", ".join(f"'{word}'" for word in words) + "])"


def _reset_sequences() -> None:
    made: list[type[models.Model]] = [
        Category, Option, OptionValue, Product, StockItem, StockLevel, Variant
    ]  # fmt: skip
    with connection.cursor() as cursor:
        for model in made:
            table = model._meta.db_table
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
            )
