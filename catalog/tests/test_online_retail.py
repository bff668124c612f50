"""The catalogue made from the raw "Online Retail" file."""

import csv
import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.imports import online_retail
from catalog.imports.online_retail import (
    Catalogue,
    CatalogueRow,
    InvoiceLine,
    NotTheRawFile,
    build_catalogue,
    category_for,
    demo_rows,
    read_invoice_lines,
    readable_name,
    write_catalogue,
)
from catalog.imports.online_retail_rules import CATEGORY_RULES
from catalog.imports.rows import Row, read_rows

DEMO = Path(online_retail.__file__).parent.parent / "demo"
SAMPLE = DEMO / "online_retail_sample.csv"


def sold(
    sku: str, description: str, *, price_minor: int = 100, quantity: int = 12, invoice: str = "1"
) -> InvoiceLine:
    return InvoiceLine(invoice, sku, description, quantity, price_minor)


def only_row(*lines: InvoiceLine) -> CatalogueRow:
    [row] = build_catalogue(lines).rows
    return row


def by_sku(catalogue: Catalogue) -> dict[str, CatalogueRow]:
    return {row.sku: row for row in catalogue.rows}


def raw_file(*lines: str) -> io.BytesIO:
    header = ",".join(online_retail.RAW_COLUMNS)
    return io.BytesIO("\n".join([header, *lines, ""]).encode())


# The sample: 59 real invoices


def test_the_sample_becomes_a_catalogue_the_importer_accepts_whole():
    with SAMPLE.open("rb") as raw:
        catalogue = build_catalogue(read_invoice_lines(raw))
    text = io.StringIO()

    write_catalogue(catalogue.rows, text)

    read = list(read_rows(io.BytesIO(text.getvalue().encode()), default_currency="GBP"))
    assert len(read) == 572
    assert {type(row) for _line, row in read} == {Row}


def test_the_sample_reports_what_it_leaves_out_and_why():
    with SAMPLE.open("rb") as raw:
        catalogue = build_catalogue(read_invoice_lines(raw))

    assert [(rule.rule, rule.codes, rule.lines) for rule in catalogue.left_out] == [
        ("never priced", ("20840", "21843", "22656", "23579", "46000S", "84840"), 6),
        ("no goods code", ("DOT", "M", "POST"), 6),
    ]


def test_a_real_sku_has_its_name_price_and_a_month_of_stock():
    with SAMPLE.open("rb") as raw:
        row = by_sku(build_catalogue(read_invoice_lines(raw)))["85123A"]

    assert row.cells() == (
        "85123A",
        "White Hanging Heart T-Light Holder",
        "Candles & T-Lights. A UK online gift shop sold 198 units between December 2010 and "
        "December 2011.",
        "Home > Lighting > Candles & T-Lights",
        "2.95",
        "GBP",
        "17",
        "220",
        "true",
        "white-hanging-heart-t-light-holder",
        "",
    )


# One SKU


def test_codes_that_differ_in_case_are_one_sku():
    row = "536365,{},CLOCK,12,2010-12-01 08:26:00,2.55,17850.0,United Kingdom"

    catalogue = build_catalogue(
        read_invoice_lines(raw_file(row.format("85123A"), row.format("85123a")))
    )

    assert [(row.sku, row.units_sold) for row in catalogue.rows] == [("85123A", 24)]


def test_the_name_is_the_commonest_description_of_priced_lines():
    row = only_row(
        sold("10002", "WALL CLOCK"),
        sold("10002", "CLOCK FOR WALLS"),
        sold("10002", " WALL  CLOCK"),
        sold("10002", "damages", price_minor=0, quantity=-9),
        sold("10002", "damages", price_minor=0, quantity=-9),
        sold("10002", "?", price_minor=0, quantity=-9),
        sold("10002", "?", price_minor=0, quantity=-9),
    )

    assert row.name == "Wall Clock"


@pytest.mark.parametrize(
    ("prices", "chosen"),
    [([255, 255, 199], 255), ([295, 255], 255), ([579, 255, 579, 255], 255)],
)
def test_the_price_is_the_commonest_and_on_a_tie_the_lower(prices, chosen):
    row = only_row(*(sold("10002", "CLOCK", price_minor=price) for price in prices))

    assert row.price_minor == chosen


def test_cancelled_and_adjusted_lines_do_not_make_the_price():
    row = only_row(
        sold("10002", "CLOCK", price_minor=255),
        sold("10002", "CLOCK", price_minor=100, quantity=-1, invoice="C2"),
        sold("10002", "CLOCK", price_minor=100, quantity=-1, invoice="C3"),
        sold("10002", "CLOCK", price_minor=900, invoice="A4"),
        sold("10002", "CLOCK", price_minor=900, invoice="A5"),
    )

    assert row.price_minor == 255


def test_goods_that_only_came_back_keep_their_price_and_have_no_stock():
    row = only_row(sold("35832", "WOOLLY HAT", price_minor=295, quantity=-4, invoice="C1"))

    assert (row.price_minor, row.stock) == (295, 0)


def test_stock_is_a_twelfth_of_what_was_sold_and_kept_rounded_up():
    row = only_row(
        sold("10002", "CLOCK", quantity=30),
        sold("10002", "CLOCK", quantity=-5, invoice="C2"),
    )

    assert row.stock == 3


@pytest.mark.parametrize(
    ("sku", "description", "rule"),
    [
        ("POST", "POSTAGE", "no goods code"),
        ("BANK CHARGES", "Bank Charges", "no goods code"),
        ("GIFT_0001_20", "Dotcomgiftshop Gift Voucher £20.00", "no goods code"),
        ("23444", "Next Day Carriage", "a service, not goods"),
    ],
)
def test_what_is_no_product_is_left_out_and_counted(sku, description, rule):
    catalogue = build_catalogue([sold(sku, description), sold(sku, description)])

    assert catalogue.rows == []
    assert [(left.rule, left.codes, left.lines) for left in catalogue.left_out] == [
        (rule, (sku,), 2)
    ]


def test_fractions_of_a_penny_price_nothing():
    line = "550193,20689,PADS,1,2011-04-15 09:27:00,0.001,13952.0,United Kingdom"

    catalogue = build_catalogue(read_invoice_lines(raw_file(line)))

    assert catalogue.rows == []
    assert catalogue.left_out[0].rule == "never priced"


@pytest.mark.parametrize(
    ("raw", "readable"),
    [
        ("WHITE HANGING HEART T-LIGHT HOLDER", "White Hanging Heart T-Light Holder"),
        ("SET/6 T-LIGHTS W DOVES", "Set of 6 T-Lights with Doves"),
        ("METAL SIGN,CUPCAKE SINGLE HOOK", "Metal Sign, Cupcake Single Hook"),
        ("RETRO PLASTIC 70'S TRAY", "Retro Plastic 70's Tray"),
        ("IF YOU CAN'T STAND THE HEAT MUG", "If You Can't Stand the Heat Mug"),
        ("POLYESTER FILLER PAD 45x45cm", "Polyester Filler Pad 45x45cm"),
        ("*USB Office Mirror Ball", "USB Office Mirror Ball"),
        ("RED WOOLLY HOTTIE WHITE HEART.", "Red Woolly Hottie White Heart"),
        ("THE KING GIFT BAG", "The King Gift Bag"),
    ],
)
def test_names_are_spelt_for_people(raw, readable):
    assert readable_name(raw) == readable


# Categories


@pytest.mark.parametrize(
    ("description", "category"),
    [
        ("CHRISTMAS TREE T-LIGHT HOLDER", "Party & Seasonal > Christmas"),
        ("WHITE HANGING HEART T-LIGHT HOLDER", "Home > Lighting > Candles & T-Lights"),
        ("LUNCH BAG RED RETROSPOT", "Fashion & Jewellery > Bags"),
        ("CHARLIE+LOLA RED HOT WATER BOTTLE", "Home > Living > Textiles & Soft Furnishings"),
        ("MOON BOOT", "Gifts > Other"),
    ],
)
def test_the_first_rule_with_a_word_of_the_description_names_the_category(description, category):
    assert category_for(description).path == category


def test_a_keyword_is_a_whole_word():
    assert category_for("PANORAMA").path == "Gifts > Other"  # no PAN, no PANORAMIC


def test_there_are_25_shelves_in_8_departments():
    paths = [rule.path for rule in CATEGORY_RULES] + ["Gifts > Other"]

    assert len(set(paths)) == len(paths) == 25
    assert len({path.split(" > ")[0] for path in paths}) == 8


# Variants


def test_names_equal_but_for_a_colour_are_variants_of_one_product():
    catalogue = build_catalogue(
        [sold("84997A", "CUTLERY POLKADOT GREEN"), sold("84997C", "BLUE CUTLERY POLKADOT")]
    )

    assert [(row.sku, row.name, row.product, row.options) for row in catalogue.rows] == [
        ("84997A", "Cutlery Polkadot", "cutlery-polkadot", (("Colour", "Green"),)),
        ("84997C", "Cutlery Polkadot", "cutlery-polkadot", (("Colour", "Blue"),)),
    ]


def test_the_description_of_a_product_names_its_colours_and_all_its_sales():
    catalogue = build_catalogue(
        [sold("84997A", "CUTLERY GREEN"), sold("84997C", "CUTLERY TURQ", quantity=1000)]
    )

    assert {row.description for row in catalogue.rows} == {
        "Tableware, in 2 colours: Green, Turquoise. A UK online gift shop sold 1,012 units "
        "between December 2010 and December 2011."
    }


def test_names_equal_but_for_a_size_are_variants_too():
    catalogue = build_catalogue(
        [sold("84971L", "LARGE HEART HOOK"), sold("84971S", "SMALL HEART HOOK")]
    )

    assert [(row.product, row.options) for row in catalogue.rows] == [
        ("heart-hook", (("Size", "Large"),)),
        ("heart-hook", (("Size", "Small"),)),
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("84997A", "GREEN CUTLERY"), ("84998A", "BLUE CUTLERY")),  # other digits
        (("84997A", "GREEN CUTLERY"), ("84997B", "BLUE SPOON")),  # other things
        (("84997A", "CUTLERY"), ("84997B", "BLUE CUTLERY")),  # no colour
        (("84997A", "SILVER/BLACK RING"), ("84997B", "GOLD/BLACK RING")),  # two colours
        (("84997A", "BLUE CUTLERY"), ("84997B", "CUTLERY BLUE")),  # one colour twice
    ],
)
def test_other_neighbours_stay_products_of_their_own(first, second):
    catalogue = build_catalogue([sold(*first), sold(*second)])

    assert [row.options for row in catalogue.rows] == [(), ()]
    assert len(catalogue.products) == 2


def test_two_products_of_one_name_have_different_keys():
    catalogue = build_catalogue([sold("10001", "WALL CLOCK"), sold("20002", "WALL CLOCK")])

    assert list(catalogue.products) == ["wall-clock", "wall-clock-20002"]


# The demo


def test_the_demo_takes_the_best_seller_of_every_category_first():
    catalogue = build_catalogue(
        [
            sold("10001", "RED MUG", quantity=10),
            sold("10002", "OLD MUG", quantity=99),
            sold("10003", "WALL CLOCK", quantity=1),
        ]
    )

    assert [row.sku for row in demo_rows(catalogue, products=2)] == ["10002", "10003"]


def test_the_demo_shop_has_the_products_it_promises():
    with (DEMO / "catalogue.csv").open("rb") as stream:
        rows = [row for _line, row in read_rows(stream, default_currency="GBP")]

    assert {type(row) for row in rows} == {Row}
    assert len(rows) == 362
    assert len({row.product for row in rows}) == 300
    assert len({row.product for row in rows if row.options}) == 40
    assert len({row.category for row in rows}) == 25
    assert sum(row.stock == 0 for row in rows) == 3


# The file and the command


def test_another_file_is_refused():
    with pytest.raises(NotTheRawFile, match="InvoiceNo,StockCode"):
        list(read_invoice_lines(io.BytesIO(b"sku,name,price\n")))


def test_a_broken_line_is_refused_by_its_number():
    lines = read_invoice_lines(raw_file("1,10002,CLOCK,many,2010-12-01,2.55,1,France"))

    with pytest.raises(NotTheRawFile, match="Line 2"):
        list(lines)


def test_the_command_writes_the_whole_catalogue(tmp_path):
    out_file = tmp_path / "catalogue.csv"

    call_command("online_retail_catalogue", SAMPLE, out_file, stdout=io.StringIO())

    with out_file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 572
    assert list(tmp_path.iterdir()) == [out_file]


def test_the_command_can_pick_best_sellers(tmp_path):
    out_file = tmp_path / "demo.csv"

    call_command(
        "online_retail_catalogue", SAMPLE, out_file, "--best-sellers", "20", stdout=io.StringIO()
    )

    with out_file.open(newline="") as stream:
        assert len({row["product"] for row in csv.DictReader(stream)}) == 20


def test_a_refused_file_leaves_the_old_catalogue_alone(tmp_path):
    out_file = tmp_path / "catalogue.csv"
    out_file.write_text("the old one")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n")

    with pytest.raises(CommandError, match="InvoiceNo"):
        call_command("online_retail_catalogue", wrong, out_file)

    assert out_file.read_text() == "the old one"
