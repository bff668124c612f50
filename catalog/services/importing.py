"""Takes over rows of an import file: running it again updates and never doubles.

Variants are found by SKU, products by their key (a slug), categories by their path. What a row
leaves empty stays as it is. Name, description and category belong to the product: where several
rows share one, its first row in the file tells them. Stock is set for new SKUs alone, so that a
second run never brings back what was sold meanwhile; ``Stock.COUNTED`` books the file's numbers
as a count of today.

A product whose variants are all inactive is a draft; its first active variant puts it on sale.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Upper

from catalog import errors, selectors
from catalog.category_tree import CategoryTree
from catalog.imports.rows import Row, RowError
from catalog.models import Category, Product, Variant
from catalog.services.categories import create_category
from catalog.services.prices import record_prices
from catalog.services.products import create_product
from catalog.services.variants import (
    NewVariant,
    change_variant,
    insert_variant,
    lock_product,
    settle,
)
from catalog.slugs import first_free, slug_of
from inventory import selectors as inventory_selectors
from inventory import services as inventory
from shop_backend.kernel import transactions
from shop_backend.kernel.errors import BadInput, ShopError

BATCH_SIZE = 500

NumberedRow = tuple[int, Row]


class Stock(Enum):
    """What the file's stock numbers are."""

    OF_NEW_SKUS = "new"
    COUNTED = "counted"


class Outcome(Enum):
    """What became of a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the row on that line, and why if it failed."""

    line: int
    outcome: Outcome
    error: RowError | None = None


@dataclass(slots=True)
class _Memory:
    """What a run knows from the batches that are committed."""

    told: set[int] = field(default_factory=set)
    categories: dict[tuple[str, ...], Category] = field(default_factory=dict)


def import_rows(
    rows: Iterable[tuple[int, Row | RowError]], *, stock: Stock = Stock.OF_NEW_SKUS
) -> Iterator[Result]:
    """Take over the rows, a transaction for each few hundred; yield what became of each.

    What is committed stays when the run is broken off; running it again takes up the rest.
    """
    memory = _Memory()
    tree = CategoryTree.read()
    for category in tree.by_id.values():
        memory.categories.setdefault(
            _folded(row.name for row in tree.lineage(category.pk)), category
        )
    numbered = iter(rows)
    while batch := list(islice(numbered, BATCH_SIZE)):
        checked = [(line, _in_shop_currency(row)) for line, row in batch]
        good = [(line, row) for line, row in checked if isinstance(row, Row)]
        done = _import_batch(good, memory, stock)
        memory.told |= done.told
        memory.categories |= done.categories
        failed = [
            Result(line, Outcome.FAILED, row) for line, row in checked if isinstance(row, RowError)
        ]
        yield from sorted([*done.results, *failed], key=lambda result: result.line)


@transactions.use_case
def _import_batch(rows: Sequence[NumberedRow], memory: _Memory, stock: Stock) -> "_Batch":
    batch = _Batch(rows, memory, stock)
    batch.run()
    return batch


class _Batch:
    """A few hundred rows in one transaction. What it learns counts once it is committed."""

    def __init__(self, rows: Sequence[NumberedRow], memory: _Memory, stock: Stock) -> None:
        self.rows, self.memory, self.stock = rows, memory, stock
        self.told: set[int] = set()
        self.categories: dict[tuple[str, ...], Category] = {}
        self.results: list[Result] = []
        self.variants = _existing_variants(rows)
        self.products = _existing_products(rows)
        for _, row in rows:
            variant = self.variants.get(row.sku.upper())
            if row.product and variant is not None:
                self.products.setdefault(row.product, variant.product)
        self.availability: dict[int, int | None] = {}
        if stock is Stock.COUNTED:
            items = [variant.stock_item_id for variant in self.variants.values()]
            self.availability = inventory_selectors.get_availability(items)

    def run(self) -> None:
        """Create what is simply new in bulk, and take the rest row by row."""
        keys = Counter(row.product for _, row in self.rows)
        simple: list[NumberedRow] = []
        others: list[NumberedRow] = []
        for line, row in self.rows:
            is_known = row.sku.upper() in self.variants or row.product in self.products
            shares = bool(row.product) and keys[row.product] > 1
            (others if is_known or shares or row.options else simple).append((line, row))
        try:
            with transaction.atomic():
                told = self._create_simple([row for _, row in simple])
        except (IntegrityError, ShopError):  # row by row it comes out which one it was
            others = sorted([*simple, *others], key=lambda numbered: numbered[0])
        else:
            self.told |= told
            self.results += [Result(line, Outcome.CREATED) for line, _ in simple]
        for line, row in others:
            self.results.append(self._take(line, row))

    def _create_simple(self, rows: Sequence[Row]) -> set[int]:
        """Create products of one variant each; return their ids."""
        slugs = _free_slugs(rows)
        products = Product.objects.bulk_create(
            Product(
                name=row.name,
                slug=slug,
                description=row.description,
                category=self._category(row.category),
                status=_status(row),
                from_price_minor=row.price_minor,
            )
            for row, slug in zip(rows, slugs, strict=True)
        )
        items = inventory.ensure_items(skus=[row.sku for row in rows])
        variants = Variant.objects.bulk_create(
            Variant(
                product=product,
                stock_item=items[row.sku],
                sku=row.sku,
                price_minor=row.price_minor,
                currency=product.currency,
                weight_grams=row.weight_grams or 0,
                is_active=row.is_active,
            )
            for row, product in zip(rows, products, strict=True)
        )
        record_prices(variants, actor_id=None)
        received = {items[row.sku].pk: row.stock for row in rows if row.stock}
        if received:
            inventory.receive(quantities=received)
        return {product.pk for product in products}

    def _take(self, line: int, row: Row) -> Result:
        try:
            with transaction.atomic():
                variant = self.variants.get(row.sku.upper())
                outcome = self._add(row) if variant is None else self._update(variant, row)
        except ShopError as refusal:
            column = refusal.field if isinstance(refusal, BadInput) else None
            error = RowError(refusal.code, column or "", str(refusal))
            return Result(line, Outcome.FAILED, error)
        except IntegrityError:
            message = "The database refused it: somebody changed the catalogue meanwhile."
            return Result(line, Outcome.FAILED, RowError("conflict", "", message))
        return Result(line, outcome)

    def _add(self, row: Row) -> Outcome:
        new = NewVariant(
            price_minor=row.price_minor,
            sku=row.sku,
            stock=row.stock,
            options=dict(row.options),
            weight_grams=row.weight_grams or 0,
            is_active=row.is_active,
        )
        known = self.products.get(row.product)
        if known is None:
            product = create_product(
                name=row.name,
                slug=row.product,
                description=row.description,
                category=self._category(row.category),
                status=_status(row),
                variants=[new],
                actor_id=None,
            )
            self.products[row.product] = product
        else:
            product = lock_product(known.pk)
            was_active = _has_active(product)
            _save_facts(product, self._facts(product, row))
            position = product.variants.standing().count()
            insert_variant(product, new, position=position, actor_id=None)
            _follow(product, was_active=was_active)
        self.told.add(product.pk)
        return Outcome.CREATED

    def _update(self, variant: Variant, row: Row) -> Outcome:
        named = self.products.get(row.product) if row.product else None
        if named is not None and named.pk != variant.product_id:
            raise errors.SkuOfAnotherProduct(sku=row.sku, product=variant.product.slug)
        facts = self._facts(variant.product, row)
        fields = self._variant_fields(variant, row)
        self.told.add(variant.product_id)
        if not facts and not fields:
            return Outcome.UNCHANGED
        product = variant.product = lock_product(variant.product_id)
        was_active = _has_active(product)
        _save_facts(product, facts)
        change_variant(variant, fields, actor_id=None)
        _follow(product, was_active=was_active)
        return Outcome.UPDATED

    def _facts(self, product: Product, row: Row) -> dict[str, Any]:
        """Return what the row tells anew about its product."""
        if product.pk in self.told or product.pk in self.memory.told:
            return {}
        facts: dict[str, Any] = {"name": row.name}
        if row.description:
            facts["description"] = row.description
        if row.category:
            facts["category"] = self._category(row.category)
        return {name: value for name, value in facts.items() if getattr(product, name) != value}

    def _variant_fields(self, variant: Variant, row: Row) -> dict[str, Any]:
        """Return what the row tells anew about its variant."""
        told: dict[str, Any] = {"price_minor": row.price_minor, "is_active": row.is_active}
        if row.weight_grams is not None:
            told["weight_grams"] = row.weight_grams
        fields = {name: value for name, value in told.items() if getattr(variant, name) != value}
        if row.options and dict(row.options) != selectors.describe_options(variant):
            fields["options"] = dict(row.options)
        available = self.availability.get(variant.stock_item_id)
        if available is not None and row.stock is not None and row.stock != available:
            fields["stock"] = row.stock
        return fields

    def _category(self, path: tuple[str, ...]) -> Category | None:
        """Return the category of that path, making what is missing of it."""
        category = None
        for depth in range(1, len(path) + 1):
            key = _folded(path[:depth])
            parent = category
            category = self.categories.get(key) or self.memory.categories.get(key)
            if category is None:
                category = create_category(name=path[depth - 1], parent=parent)
                self.categories[key] = category
        return category


def _in_shop_currency(row: Row | RowError) -> Row | RowError:
    if isinstance(row, Row) and row.currency != settings.SHOP_CURRENCY:
        message = f"The shop sells in {settings.SHOP_CURRENCY}."
        return RowError("foreign_currency", "currency", message)
    return row


def _existing_variants(rows: Sequence[NumberedRow]) -> dict[str, Variant]:
    skus = [row.sku for _, row in rows]
    found = Variant.objects.standing().annotate(shouted=Upper("sku")).with_options()
    wanted = Q(sku__in=skus) | Q(shouted__in=[sku.upper() for sku in skus])
    found = found.select_related("product__category", "stock_item")
    return {variant.sku.upper(): variant for variant in found.filter(wanted)}


def _existing_products(rows: Sequence[NumberedRow]) -> dict[str, Product]:
    keys = {row.product for _, row in rows if row.product}
    return {product.slug: product for product in Product.objects.filter(slug__in=keys)}


def _free_slugs(rows: Sequence[Row]) -> list[str]:
    bases = [row.product or slug_of(row.name, fallback="product")[:200].strip("-") for row in rows]
    used = set(Product.objects.filter(slug__in=bases).values_list("slug", flat=True))
    used |= {row.product for row in rows if row.product}
    slugs = []
    for row, base in zip(rows, bases, strict=True):
        slug = base
        if slug in used and not row.product:
            alike = Product.objects.filter(slug__startswith=base).values_list("slug", flat=True)
            slug = first_free(base, used | set(alike))
        used.add(slug)
        slugs.append(slug)
    return slugs


def _status(row: Row) -> str:
    return Product.Status.ACTIVE if row.is_active else Product.Status.DRAFT


def _has_active(product: Product) -> bool:
    return product.variants.standing().filter(is_active=True).exists()


def _save_facts(product: Product, facts: dict[str, Any]) -> None:
    for name, value in facts.items():
        setattr(product, name, value)
    product.save(update_fields=list(facts))


def _follow(product: Product, *, was_active: bool) -> None:
    """Take a product off sale with its last active variant, and put it on with its first."""
    is_active = _has_active(product)
    if product.status == Product.Status.ACTIVE and not is_active:
        product.status = Product.Status.DRAFT
    elif product.status == Product.Status.DRAFT and is_active and not was_active:
        product.status = Product.Status.ACTIVE
    product.save(update_fields=["status"])
    settle(product)


def _folded(path: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.casefold() for name in path)
