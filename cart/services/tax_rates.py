"""Making and changing tax rates."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from cart.errors import TaxRateExists, UnknownTaxClass
from cart.models import TaxRate
from catalog.models import TaxClass
from shop_backend.kernel import transactions
from shop_backend.kernel.errors import ObjectNotFound


@transactions.use_case
def save_tax_rate(*, tax_rate_id: int | None, fields: Mapping[str, Any]) -> TaxRate:
    """Make a tax rate (without an id) or change the fields that are given.

    Orders that are placed keep the rate they were placed with.

    :raises UnknownTaxClass: there is no such tax class.
    :raises TaxRateExists: the class has a rate for this place already.
    """
    rate = TaxRate() if tax_rate_id is None else _lock(tax_rate_id)
    for name, value in fields.items():
        setattr(rate, name, value)
    if not TaxClass.objects.filter(pk=rate.tax_class_id).exists():
        raise UnknownTaxClass(tax_class=rate.tax_class_id)
    try:
        with transaction.atomic():
            if tax_rate_id is None:
                rate.save(force_insert=True)
            else:
                rate.save(update_fields=list(fields))
    except IntegrityError as error:
        raise TaxRateExists from error
    return rate


@transactions.use_case
def delete_tax_rate(*, tax_rate_id: int) -> None:
    """Delete a tax rate; orders that are placed keep it.

    :raises ObjectNotFound: there is no tax rate with this id.
    """
    _lock(tax_rate_id).delete()


def _lock(tax_rate_id: int) -> TaxRate:
    try:
        return TaxRate.objects.select_for_update().get(pk=tax_rate_id)
    except TaxRate.DoesNotExist as error:
        raise ObjectNotFound from error
