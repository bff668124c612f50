"""Money in serializers and forms, and mail without a mail server."""

import json
from decimal import Decimal

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.test import override_settings
from rest_framework import serializers

from shop_backend.kernel import jsontext
from shop_backend.kernel.fields import MoneyField
from shop_backend.kernel.forms import MoneyFormField
from shop_backend.kernel.money import MAX_MINOR, Money


class PriceSerializer(serializers.Serializer):
    price = MoneyField(source="price_minor", min_minor=1, max_minor=100_000)


class AmountSerializer(serializers.Serializer):
    amount = MoneyField()


def read(value) -> int:
    body = PriceSerializer(data={"price": value})
    body.is_valid(raise_exception=True)
    return body.validated_data["price_minor"]


@pytest.mark.parametrize(
    ("value", "minor"),
    [("19.99", 1999), ("19.9", 1990), (" 19.99 ", 1999), (19.99, 1999), (0.1, 10), (7, 700)],
)
def test_a_price_is_read_to_the_last_penny(value, minor):
    assert read(value) == minor


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("0", "min_value"),
        ("0.00", "min_value"),
        ("-1", "min_value"),
        ("1000.01", "invalid_money"),
        ("1.999", "invalid_money"),
        (1.999, "invalid_money"),
        (1e30, "invalid_money"),
        (float("nan"), "invalid_money"),
        (float("inf"), "invalid_money"),
        ("NaN", "invalid_money"),
        ("1e999999999", "invalid_money"),
        ("9" * 100_000, "invalid_money"),
        (10**30, "invalid_money"),
        ("", "invalid_money"),
        ("\x00", "invalid_money"),
        (True, "invalid_money"),
        ([1], "invalid_money"),
        ({}, "invalid_money"),
        (None, "null"),
    ],
)
def test_what_is_no_price_is_refused(value, code):
    body = PriceSerializer(data={"price": value})

    assert not body.is_valid()
    assert body.errors["price"][0].code == code


@pytest.mark.parametrize(
    ("currency", "written"), [("GBP", "20.00"), ("JPY", "2000"), ("KWD", "2.000"), (None, "20.00")]
)
def test_a_price_is_written_with_the_decimals_of_its_currency(currency, written):
    row = {"price_minor": 2000, "currency": currency}

    assert PriceSerializer(row).data == {"price": written}


def test_money_and_nothing_are_written_too():
    assert AmountSerializer({"amount": Money(-5, "EUR")}).data == {"amount": "-0.05"}
    assert AmountSerializer({"amount": None}).data == {"amount": None}


@override_settings(SHOP_CURRENCY="JPY")
def test_a_shop_in_yen_takes_yen():
    assert read("500") == 500
    with pytest.raises(serializers.ValidationError):
        read("500.50")


def test_the_admin_types_amounts():
    field = MoneyFormField()

    assert field.prepare_value(1999) == "19.99"
    assert field.prepare_value("typed") == "typed"
    assert field.clean("19.99") == 1999
    assert MoneyFormField(required=False).clean("") is None
    assert not field.has_changed(1999, "19.99")
    assert field.has_changed(1999, "19.98")
    for text in ("-1", "1.999", "NaN", "Infinity", "1e20", "abc", "", "9" * 18):
        with pytest.raises(ValidationError):
            field.clean(text)
    assert field.clean(str(Decimal(MAX_MINOR) / 100)) == MAX_MINOR


def test_json_is_written_alike_for_alike():
    assert jsontext.dumps_sorted({"b": 1, "a": {"d": 2, "c": 3}}) == b'{"a":{"c":3,"d":2},"b":1}'
    assert jsontext.dumps({1: Decimal("1.10"), "s": {"b", "a"}}) == b'{"1":"1.10","s":["a","b"]}'
    with pytest.raises(TypeError):
        jsontext.dumps(object())


@override_settings(EMAIL_BACKEND="shop_backend.kernel.mail.ConsoleAndFileBackend")
def test_a_mail_is_shown_and_kept_as_a_file(tmp_path, settings, capsys):
    settings.EMAIL_FILE_PATH = str(tmp_path / "mails")
    message = EmailMessage("Your order", "Thank you.", "shop@example.com", ["ada@example.com"])

    assert message.send() == 1
    with mail.get_connection() as connection:
        assert connection.send_messages([message, message]) == 2

    [first, second] = sorted((tmp_path / "mails").iterdir(), key=lambda file: file.stat().st_size)
    assert "Subject: Your order" in first.read_text()
    assert second.read_text().count("Thank you.") == 2
    assert capsys.readouterr().out.count("Subject: Your order") == 3
    assert json.dumps(str(first))
