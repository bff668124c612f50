"""``manage.py import_catalogue``: running it again updates and never doubles."""

import gzip
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from catalog.models import Category, Option, Product, Variant
from catalog.tests.factories import VariantFactory
from inventory import services as inventory
from inventory.models import StockLevel, StockMovement

pytestmark = pytest.mark.django_db

DEMO = Path(__file__).parent.parent / "demo" / "catalogue.csv"
HEADER = "sku,name,price,category,stock,weight_grams,is_active,product,options,description,currency"


@pytest.fixture
def load(tmp_path, capsys):
    """Return a function that imports lines of CSV and returns what was said."""

    def run(*lines, header=HEADER, **options):
        path = tmp_path / "catalogue.csv"
        path.write_text("\n".join([header, *lines]) + "\n")
        try:
            call_command("import_catalogue", path, **options)
        except CommandError:
            said = capsys.readouterr()
            return said.out.strip(), said.err.strip().splitlines()
        return capsys.readouterr().out.strip()

    return run


def said(created=0, updated=0, unchanged=0, failed=0):
    return f"created {created}, updated {updated}, unchanged {unchanged}, failed {failed}."


@pytest.mark.portable
def test_the_demo_shop_is_imported_and_a_second_run_changes_nothing(capsys):
    call_command("import_catalogue", DEMO)
    assert capsys.readouterr().out.strip() == said(created=362)
    assert (Product.objects.count(), Variant.objects.count()) == (300, 362)
    assert Category.objects.filter(products__isnull=False).distinct().count() == 25
    parasol = Product.objects.with_options().get(slug="edwardian-parasol")
    assert [row.sku for row in parasol.variants.all()] == ["15056BL", "15056N", "15056P"]
    assert [row.value for row in parasol.options.all()[0].values.all()] == [
        "Black",
        "Natural",
        "Pink",
    ]
    assert parasol.from_price_minor == 595
    movements = StockMovement.objects.count()
    before = list(Product.objects.order_by("pk").values())

    call_command("import_catalogue", DEMO)

    assert capsys.readouterr().out.strip() == said(unchanged=362)
    assert list(Product.objects.order_by("pk").values()) == before
    assert StockMovement.objects.count() == movements


def test_a_row_becomes_a_product_on_its_shelf(load):
    row = "L-1,Desk Lamp,19.99,Home > Lighting,7,250,yes,,,For the desk.,GBP"

    assert load(row) == said(created=1)

    variant = Variant.objects.select_related("product__category__parent").get()
    product = variant.product
    assert (product.name, product.slug, product.status) == ("Desk Lamp", "desk-lamp", "active")
    assert (product.description, product.from_price_minor) == ("For the desk.", 1999)
    assert (product.category.name, product.category.parent.name) == ("Lighting", "Home")
    assert (variant.sku, variant.price_minor, variant.weight_grams) == ("L-1", 1999, 250)
    level = StockLevel.objects.get()
    assert (level.on_hand, level.location.code, level.item.sku) == (7, "main", "L-1")
    assert StockMovement.objects.get().kind == "receipt"


def test_a_second_run_updates_what_differs_and_nothing_else(load):
    load("L-1,Lamp,1.00,Home,7,250,,,,Old.,", "L-2,Rug,2.00,Home,,,,,,,")

    told = load("l-1,Big Lamp,3.00,Garden,7,,,,,,", "L-2,Rug,2.00,Home,,,,,,,")

    assert told == said(updated=1, unchanged=1)
    variant = Variant.objects.select_related("product__category").get(sku="L-1")
    assert (variant.product.name, variant.product.category.name) == ("Big Lamp", "Garden")
    assert (variant.price_minor, variant.product.from_price_minor) == (300, 300)
    assert (variant.weight_grams, variant.product.description) == (250, "Old.")


def test_what_was_sold_does_not_come_back_unless_it_is_counted(load):
    row = "L-1,Lamp,1.00,,7,,,,,,"
    load(row)
    variant = Variant.objects.get()
    with transaction.atomic():
        inventory.reserve(quantities={variant.stock_item_id: 3}, reference="A", expires_at=None)
        inventory.commit(reference="A", quantities={variant.stock_item_id: 2})

    assert load(row) == said(unchanged=1)
    assert StockLevel.objects.get().on_hand == 5

    assert load(row, stock=True) == said(updated=1)
    level = StockLevel.objects.get()
    assert (level.on_hand, level.reserved) == (8, 1)
    assert load(row, stock=True) == said(unchanged=1)


def test_rows_that_share_a_product_are_its_variants_also_in_a_later_file(load):
    red = "S-R,Shirt,9.00,,1,,,shirt,Colour=Red,,"
    assert load(red, "S-B,Another name,8.00,,1,,,shirt,Colour=Blue,,") == said(created=2)
    assert load(red, "S-G,Shirt,7.00,,1,,,shirt,Colour=Green,,") == said(created=1, unchanged=1)

    product = Product.objects.get()
    assert (product.name, product.slug, product.from_price_minor) == ("Shirt", "shirt", 700)
    assert product.variants.count() == 3
    assert Option.objects.get().values.count() == 3


def test_inactive_rows_take_a_product_off_sale_and_active_ones_put_it_on(load):
    on, off = "L-1,Lamp,1.00,,,,yes,,,,", "L-1,Lamp,1.00,,,,no,,,,"
    for row, status in ((off, "draft"), (on, "active"), (off, "draft"), (off, "draft")):
        load(row)
        assert Product.objects.get().status == status


def test_bad_rows_are_told_with_their_line_and_the_others_are_taken(load):
    VariantFactory(sku="OLD")
    VariantFactory(sku="OTHER", product__slug="other")
    told, errors = load(
        "A,Lamp,1.00,,,,,,,,",
        "B,,1.00,,,,,,,,",
        "C,Lamp,1.999,,,,,,,,",
        "D,Lamp,1.00,,,,,,,,EUR",
        "E,Shirt,1.00,,,,,shirt,Colour=Red,,",
        "F,Shirt,1.00,,,,,shirt,Size=M,,",
        "OLD,Lamp,1.00,,,,,other,,,",
        "G,Lamp,1.00,,,,,,,,",
    )

    assert told == said(created=3, failed=5)
    assert [line.partition(":")[0] for line in errors] == [
        "line 3, name",
        "line 4, price",
        "line 5, currency",
        "line 7, options",
        "line 8, product",
    ]
    assert errors[-1].endswith("[sku_of_another_product]")
    assert set(Variant.objects.values_list("sku", flat=True)) == {"A", "E", "G", "OLD", "OTHER"}


def test_a_dry_run_says_what_would_happen_and_changes_nothing(load):
    rows = ["A,Lamp,1.00,Home,5,,,,,,", "B,Shirt,1.00,Home,5,,,shirt,Size=M,,"]

    assert load(*rows, dry_run=True) == "Dry run: " + said(created=2)

    assert not Product.objects.exists()
    assert not Category.objects.exists()
    assert not StockMovement.objects.exists()


def test_equal_names_get_slugs_of_their_own(load):
    load("A,Lamp,1.00,,,,,,,,", "B,Lamp,1.00,,,,,,,,", "C,Lamp,1.00,,,,,lamp,,,")

    slugs = dict(Variant.objects.values_list("sku", "product__slug"))
    assert slugs == {"A": "lamp-2", "B": "lamp-3", "C": "lamp"}


def test_json_lines_in_gzip_are_understood(tmp_path, capsys):
    path = tmp_path / "catalogue.jsonl.gz"
    rows = [{"sku": "A", "name": "Lamp", "price": 1.5, "stock": 3}]
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))

    call_command("import_catalogue", path)

    assert capsys.readouterr().out.strip() == said(created=1)
    assert Variant.objects.get().price_minor == 150


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "no rows"), (b"sku,colour\n", "Unknown column"), (b"\x1f\x8b broken", "damaged")],
)
def test_a_file_that_is_none_is_refused_as_a_whole(tmp_path, content, words):
    path = tmp_path / "catalogue.csv"
    path.write_bytes(content)

    with pytest.raises(CommandError, match=words):
        call_command("import_catalogue", path)
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_catalogue", tmp_path / "none.csv")


def test_batches_find_what_earlier_ones_made(load, monkeypatch):
    monkeypatch.setattr("catalog.services.importing.BATCH_SIZE", 2)
    rows = [
        "A,Shirt,3.00,Home > Shirts,1,,,shirt,Size=S,,",
        "B,Lamp,1.00,Home,1,,,,,,",
        "C,Not told,2.00,Home,1,,,shirt,Size=M,,",
        "D,Lamp,1.00,Home > Shirts,1,,,,,,",
        "E,Shirt,1.00,Home,1,,,shirt,Size=L,,",
    ]

    assert load(*rows) == said(created=5)
    assert load(*rows) == said(unchanged=5)

    assert Category.objects.count() == 2
    shirt = Product.objects.get(slug="shirt")
    assert (shirt.name, shirt.variants.count(), shirt.from_price_minor) == ("Shirt", 3, 100)
