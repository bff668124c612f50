"""Facts that products state, and what they state."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from catalog import errors
from catalog.models import Attribute, Product, ProductAttributeValue
from shop_backend.kernel import transactions

MAX_ATTRIBUTES = 50
_MAX_DIGITS = 20


@transactions.use_case
def create_attribute(*, code: str, name: str, kind: str = Attribute.Kind.TEXT) -> Attribute:
    """Add a fact that products may state.

    :raises AttributeCodeTaken: another attribute has the code.
    """
    attribute = Attribute(code=code, name=name, kind=kind)
    _save(attribute)
    return attribute


@transactions.use_case
def update_attribute(*, attribute: Attribute, fields: Mapping[str, Any]) -> Attribute:
    """Change the named fields: code, name, kind.

    :raises AttributeCodeTaken: another attribute has the code.
    :raises AttributeInUse: products state values of the present kind.
    """
    attribute = Attribute.objects.select_for_update().get(pk=attribute.pk)
    is_other_kind = fields.get("kind", attribute.kind) != attribute.kind
    if is_other_kind and attribute.values.exists():
        raise errors.AttributeInUse(attribute=attribute.code)
    for name, value in fields.items():
        setattr(attribute, name, value)
    _save(attribute, update_fields=list(fields))
    return attribute


@transactions.use_case
def delete_attribute(*, attribute: Attribute) -> None:
    """Remove an attribute that no product states.

    :raises AttributeInUse: some do.
    """
    try:
        with transaction.atomic():
            attribute.delete()
    except (ProtectedError, IntegrityError) as error:
        raise errors.AttributeInUse(attribute=attribute.code) from error


def state(product: Product, facts: Sequence[tuple[str, Any]]) -> None:
    """Let a product that the caller has locked state exactly these facts.

    :param facts: codes of attributes with their values.
    :raises AttributeNotFound: there is no attribute of that code.
    :raises AttributeValueInvalid: it is none of the attribute's kind.
    :raises RepeatedAttribute: an attribute is named twice.
    """
    codes = [code for code, _ in facts]
    # Locked, so that no attribute changes its kind under the values.
    rows = Attribute.objects.select_for_update().filter(code__in=codes).order_by("pk")
    known = {row.code: row for row in rows}
    for code in codes:
        if code not in known:
            raise errors.AttributeNotFound(attribute=code)
        if codes.count(code) > 1:
            raise errors.RepeatedAttribute(attribute=code)
    product.attribute_values.all().delete()
    ProductAttributeValue.objects.bulk_create(
        ProductAttributeValue(
            product=product, attribute=known[code], value=spell(known[code], value)
        )
        for code, value in facts
    )


def spell(attribute: Attribute, value: Any) -> str:
    """Return the value in the one spelling of its kind.

    :raises AttributeValueInvalid: it is none of that kind.
    """
    text = str(value).lower() if isinstance(value, bool) else str(value).strip()
    if attribute.kind == Attribute.Kind.NUMBER and not isinstance(value, bool):
        text = _plain_digits(text)
    elif attribute.kind == Attribute.Kind.NUMBER:
        text = ""
    elif attribute.kind == Attribute.Kind.BOOLEAN:
        text = text.lower() if text.lower() in {"true", "false"} else ""
    if not text:
        raise errors.AttributeValueInvalid(attribute=attribute.code, kind=attribute.kind)
    return text


def _plain_digits(text: str) -> str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return ""
    if not number.is_finite() or not -_MAX_DIGITS < number.adjusted() < _MAX_DIGITS:
        return ""
    plain = format(number, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in {"-0", ""} else plain


def _save(attribute: Attribute, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            attribute.save(update_fields=update_fields)
    except IntegrityError as error:
        raise errors.AttributeCodeTaken(code=attribute.code) from error
