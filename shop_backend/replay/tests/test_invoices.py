"""Reading the recording."""

import io
from decimal import Decimal
from pathlib import Path

import pytest

from catalog.imports import online_retail
from catalog.imports.online_retail import NotTheRawFile
from shop_backend.replay.invoices import amount_of, read_invoices

SAMPLE = Path(online_retail.__file__).parent.parent / "demo" / "online_retail_sample.csv"
HEAD = b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def test_the_sample_is_read_line_for_line():
    with SAMPLE.open("rb") as raw:
        invoices = read_invoices(raw)

    assert len(invoices) == 59
    assert sum(len(invoice.lines) for invoice in invoices) == 831
    assert amount_of(invoices) == Decimal("17788.42")


def test_a_customer_is_a_number_and_a_code_is_in_capitals():
    line = b"536365,85123a,HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"

    [invoice] = read_invoices(io.BytesIO(HEAD + line))

    assert (invoice.customer, invoice.lines[0].sku) == ("17850", "85123A")


def test_a_limit_counts_invoices_and_keeps_all_their_lines():
    line = b"%d,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
    rows = [line % number for number in (1, 2, 1)]

    [invoice] = read_invoices(io.BytesIO(HEAD + b"".join(rows)), limit=1)

    assert (invoice.number, len(invoice.lines)) == ("1", 2)


@pytest.mark.parametrize("body", [b"a,b\n", HEAD + b"1,2,3\n", HEAD + b"1,A,x,six,d,1,2,c\n"])
def test_another_file_is_refused(body):
    with pytest.raises(NotTheRawFile):
        read_invoices(io.BytesIO(body))
