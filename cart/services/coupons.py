"""Making and changing coupons."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from cart.errors import (
    CouponCodeTaken,
    CouponInUse,
    CouponLimitBelowUses,
    CouponScopeNotFound,
    InvalidCoupon,
)
from cart.models import Coupon
from catalog.models import Category, Product
from shop_backend.kernel import transactions

M = TypeVar("M", bound=models.Model)


@transactions.use_case
def save_coupon(*, coupon_id: int | None, fields: Mapping[str, Any]) -> Coupon:
    """Make a coupon (without an id) or change the fields that are given.

    :param fields: columns, and ``product_ids`` and ``category_ids``: all that the coupon is
        limited to from now on.
    :raises CouponCodeTaken: another coupon has this code.
    :raises CouponLimitBelowUses: the limit is less than what has been used already.
    :raises CouponScopeNotFound: one of the products or categories is not there.
    """
    columns = {name: value for name, value in fields.items() if not name.endswith("_ids")}
    coupon = Coupon() if coupon_id is None else _lock(coupon_id)
    for name, value in columns.items():
        setattr(coupon, name, value)
    limit = columns.get("usage_limit")
    if limit is not None and limit < coupon.used_count:
        raise CouponLimitBelowUses(used=coupon.used_count)
    try:
        with transaction.atomic():
            # Never the whole row: its counter moves by conditional updates alone.
            coupon.save(update_fields=None if coupon_id is None else list(columns))
    except IntegrityError as error:
        raise CouponCodeTaken from error
    if "product_ids" in fields:
        coupon.products.set(_get_all(Product, fields["product_ids"]))
    if "category_ids" in fields:
        coupon.categories.set(_get_all(Category, fields["category_ids"]))
    return coupon


@transactions.use_case
def delete_coupon(*, coupon_id: int) -> None:
    """Delete a coupon that no order has used.

    :raises CouponInUse: the orders' records need it.
    """
    coupon = _lock(coupon_id)
    if coupon.uses.exists():
        raise CouponInUse
    coupon.delete()


def _lock(coupon_id: int) -> Coupon:
    try:
        return Coupon.objects.select_for_update().get(pk=coupon_id)
    except Coupon.DoesNotExist as error:
        raise InvalidCoupon from error


def _get_all(model: type[M], ids: Iterable[int]) -> list[M]:
    wanted = set(ids)
    found = list(model._default_manager.filter(pk__in=wanted))
    missing = wanted - {row.pk for row in found}
    if missing:
        raise CouponScopeNotFound(kind=model._meta.verbose_name, id=min(missing))
    return found
