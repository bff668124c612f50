"""Zones and the methods that are limited to them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from shipping.errors import (
    MethodCodeTaken,
    ShippingMethodNotFound,
    ZoneInUse,
    ZoneNameTaken,
    ZoneNotFound,
)
from shipping.models import (
    ShippingMethod,
    ShippingRate,
    Zone,
    ZoneArea,
)
from shop_backend.kernel import transactions


@transactions.use_case
def save_zone(
    *, zone_id: int | None, name: str | None, areas: Sequence[Mapping[str, str]] | None
) -> Zone:
    """Make a zone (without an id) or change one; ``None`` leaves a part as it is.

    :param areas: all areas of the zone from now on: ``country`` and ``region`` of each.
    :raises ZoneNotFound: there is no zone with this id.
    :raises ZoneNameTaken: another zone has this name.
    """
    zone = Zone() if zone_id is None else _lock_zones([zone_id])[0]
    if name is not None:
        zone.name = name
    try:
        with transaction.atomic():
            if zone_id is None:
                zone.save(force_insert=True)
            elif name is not None:
                zone.save(update_fields=["name"])
    except IntegrityError as error:
        raise ZoneNameTaken from error
    if areas is not None:
        ZoneArea.objects.filter(zone=zone).delete()
        ZoneArea.objects.bulk_create(
            ZoneArea(zone=zone, country=area["country"], region=area["region"]) for area in areas
        )
    return zone


@transactions.use_case
def delete_zone(*, zone_id: int) -> None:
    """Delete a zone that no method is limited to.

    :raises ZoneNotFound: there is no zone with this id.
    :raises ZoneInUse: without it, its methods would go everywhere.
    """
    zone = _lock_zones([zone_id])[0]
    codes = list(zone.methods.order_by("code").values_list("code", flat=True)[:5])
    if codes:
        raise ZoneInUse(methods=", ".join(codes))
    zone.delete()


@transactions.use_case
def save_method(*, method_id: int | None, fields: Mapping[str, Any]) -> ShippingMethod:
    """Make a shipping method (without an id) or change the fields that are given.

    :param fields: columns; ``zone_ids`` and ``rates`` (``from_weight_grams`` and
        ``price_minor`` of each): all zones and rates of the method from now on.
    :raises ShippingMethodNotFound: there is no method with this id.
    :raises ZoneNotFound: one of the zones is not there.
    :raises MethodCodeTaken: another method has this code.
    """
    method = ShippingMethod() if method_id is None else _lock_method(method_id)
    columns = {name: fields[name] for name in fields.keys() - {"zone_ids", "rates"}}
    for name, value in columns.items():
        setattr(method, name, value)
    zones = _lock_zones(fields["zone_ids"]) if "zone_ids" in fields else None
    try:
        with transaction.atomic():
            if method_id is None:
                method.save(force_insert=True)
            else:
                method.save(update_fields=list(columns))
    except IntegrityError as error:
        raise MethodCodeTaken from error
    if zones is not None:
        method.zones.set(zones)
    if "rates" in fields:
        method.rates.all().delete()
        ShippingRate.objects.bulk_create(
            ShippingRate(method=method, **rate) for rate in fields["rates"]
        )
    return method


@transactions.use_case
def delete_method(*, method_id: int) -> None:
    """Delete a shipping method with its rates; orders keep its name, carts choose anew.

    :raises ShippingMethodNotFound: there is no method with this id.
    """
    _lock_method(method_id).delete()


def _lock_method(method_id: int) -> ShippingMethod:
    try:
        return ShippingMethod.objects.select_for_update().get(pk=method_id)
    except ShippingMethod.DoesNotExist as error:
        raise ShippingMethodNotFound from error


def _lock_zones(zone_ids: Sequence[int]) -> list[Zone]:
    """Lock the zones, so that none vanishes while a method is being limited to it."""
    wanted = sorted(set(zone_ids))
    zones = list(Zone.objects.select_for_update().filter(pk__in=wanted).order_by("pk"))
    missing = set(wanted) - {zone.pk for zone in zones}
    if missing:
        raise ZoneNotFound(zone_id=min(missing))
    return zones
