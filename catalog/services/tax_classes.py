"""What products are taxed as; one class is that of all products without one of their own."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from catalog import errors
from catalog.models import TaxClass
from shop_backend.kernel import transactions


@transactions.use_case
def create_tax_class(*, name: str, code: str, is_default: bool = False) -> TaxClass:
    """Add a tax class; as the default one it takes the place of the present default.

    :raises TaxClassCodeTaken: another class has the code.
    """
    rows = _locked()
    if is_default:
        _step_down(rows)
    tax_class = TaxClass(name=name, code=code, is_default=is_default or not rows)
    _save(tax_class)
    return tax_class


@transactions.use_case
def update_tax_class(*, tax_class: TaxClass, fields: Mapping[str, Any]) -> TaxClass:
    """Change the named fields: name, code, is_default.

    :raises TaxClassCodeTaken: another class has the code.
    :raises DefaultTaxClass: the default ends by making another one the default, not otherwise.
    """
    rows = {row.pk: row for row in _locked()}
    if tax_class.pk not in rows:
        raise errors.TaxClassNotFound(tax_class=tax_class.code)
    present = rows[tax_class.pk]
    if fields.get("is_default") is False and present.is_default:
        raise errors.DefaultTaxClass
    if fields.get("is_default") and not present.is_default:
        _step_down(list(rows.values()))
    for name, value in fields.items():
        setattr(present, name, value)
    _save(present, update_fields=list(fields))
    return present


@transactions.use_case
def delete_tax_class(*, tax_class: TaxClass) -> None:
    """Remove a tax class that nothing is taxed as.

    :raises TaxClassInUse: products have it, or rates are written for it.
    :raises DefaultTaxClass: it is the default one.
    """
    for row in _locked():
        if row.pk == tax_class.pk and row.is_default:
            raise errors.DefaultTaxClass
    try:
        with transaction.atomic():
            tax_class.delete()
    except (ProtectedError, IntegrityError) as error:
        raise errors.TaxClassInUse(tax_class=tax_class.code) from error


def _locked() -> list[TaxClass]:
    """Return all classes, locked: two new defaults at once must see each other."""
    return list(TaxClass.objects.select_for_update().order_by("pk"))


def _step_down(rows: list[TaxClass]) -> None:
    for row in rows:
        if row.is_default:
            row.is_default = False
            row.save(update_fields=["is_default"])


def _save(tax_class: TaxClass, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            tax_class.save(update_fields=update_fields)
    except IntegrityError as error:
        raise errors.TaxClassCodeTaken(code=tax_class.code) from error
