"""Parcels: packed, shipped, delivered."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from shipping.errors import (
    ShipmentNotFound,
    TrackingNumberTaken,
)
from shipping.events import (
    ShipmentCancelled,
    ShipmentDelivered,
    ShipmentPacked,
    ShipmentShipped,
)
from shipping.models import (
    Shipment,
    ShipmentEvent,
    ShipmentLine,
)
from shipping.ports import ParcelLine, fulfilment
from shop_backend.kernel import events, transactions

# Crockford's alphabet: no I, L, O, U that a person could misread on a label.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TRACKING_LENGTH = 16


@transactions.use_case
def create_shipment(
    *,
    reference: str,
    lines: Sequence[ParcelLine] | None,
    actor_id: int | None,
    carrier: str = "",
    tracking_number: str = "",
) -> Shipment:
    """Pack a parcel for an order; whoever knows the order says what may go into it.

    :param reference: what the caller calls the order; the parcel keeps the order's own number.
    :param lines: ``None`` for everything that is left.
    :param tracking_number: the carrier's; without one the shop makes its own.
    :raises TrackingNumberTaken: another parcel has it.
    """
    parcel = fulfilment.answerer.claim_parcel(reference=reference, lines=lines, actor_id=actor_id)
    shipment = Shipment(
        reference=parcel.reference,
        customer_id=parcel.customer_id,
        carrier=carrier,
        tracking_number=tracking_number.upper() or new_tracking_number(),
    )
    _save_shipment(shipment)
    ShipmentLine.objects.bulk_create(
        ShipmentLine(shipment=shipment, sku=line.sku, name=line.name, quantity=line.quantity)
        for line in parcel.lines
    )
    _record(shipment, actor_id)
    events.publish(ShipmentPacked(shipment.reference, shipment.pk, actor_id))
    return shipment


@transactions.use_case
def change_shipment(
    *, shipment_id: int, fields: Mapping[str, Any], actor_id: int | None
) -> Shipment:
    """Change carrier and tracking number, and move the parcel on, all or nothing.

    :param fields: any of ``carrier``, ``tracking_number`` and ``status``.
    :raises ShipmentNotFound: there is no such parcel.
    :raises TrackingNumberTaken: another parcel has this number.
    :raises IllegalShipmentTransition: the present status does not lead there.
    """
    shipment = lock_shipment(shipment_id)
    details = {name: fields[name] for name in ("carrier", "tracking_number") if name in fields}
    if details:
        for name, value in details.items():
            setattr(shipment, name, value)
        _save_shipment(shipment)
    status = fields.get("status")
    if status == Shipment.Status.SHIPPED:
        shipment = mark_shipped(shipment_id=shipment_id, actor_id=actor_id)
    elif status == Shipment.Status.DELIVERED:
        shipment = mark_delivered(shipment_id=shipment_id, actor_id=actor_id)
    elif status == Shipment.Status.CANCELLED:
        shipment = cancel_shipment(shipment_id=shipment_id, actor_id=actor_id)
    elif status is not None:
        shipment.transition_to(status)
    return shipment


@transactions.use_case
def mark_shipped(*, shipment_id: int, actor_id: int | None) -> Shipment:
    """Note that the parcel has left the house, and tell it.

    :raises ShipmentNotFound: there is no such parcel.
    :raises IllegalShipmentTransition: it had left before.
    """
    shipment = lock_shipment(shipment_id)
    shipment.transition_to(Shipment.Status.SHIPPED)
    shipment.shipped_at = timezone.now()
    shipment.save(update_fields=["status", "shipped_at"])
    _record(shipment, actor_id)
    units = shipment.lines.order_by("sku").values_list("sku", "quantity")
    events.publish(ShipmentShipped(shipment.reference, shipment.pk, tuple(units), actor_id))
    return shipment


@transactions.use_case
def mark_delivered(*, shipment_id: int, actor_id: int | None) -> Shipment:
    """Note that the parcel has arrived, and tell it.

    :raises ShipmentNotFound: there is no such parcel.
    :raises IllegalShipmentTransition: it has not left yet, or had arrived before.
    """
    shipment = lock_shipment(shipment_id)
    shipment.transition_to(Shipment.Status.DELIVERED)
    shipment.delivered_at = timezone.now()
    shipment.save(update_fields=["status", "delivered_at"])
    _record(shipment, actor_id)
    events.publish(ShipmentDelivered(shipment.reference, shipment.pk, actor_id))
    return shipment


@transactions.use_case
def cancel_shipment(*, shipment_id: int, actor_id: int | None) -> Shipment:
    """Unpack a parcel that has not left the house; its units can be packed again.

    :raises ShipmentNotFound: there is no such parcel.
    :raises IllegalShipmentTransition: it has left.
    """
    shipment = lock_shipment(shipment_id)
    shipment.transition_to(Shipment.Status.CANCELLED)
    shipment.save(update_fields=["status"])
    _record(shipment, actor_id)
    events.publish(ShipmentCancelled(shipment.reference, shipment.pk, actor_id))
    return shipment


@transactions.requires_transaction
def cancel_packed_shipments(*, reference: str, actor_id: int | None) -> None:
    """Unpack what has not left the house of one order."""
    packed = Shipment.objects.filter(reference=reference, status=Shipment.Status.PACKED)
    for pk in list(packed.order_by("pk").values_list("pk", flat=True)):
        cancel_shipment(shipment_id=pk, actor_id=actor_id)


def new_tracking_number() -> str:
    """Return a tracking number nobody can guess: the shop's initials and 80 bits."""
    initials = "".join(word[0] for word in settings.SHOP_NAME.split() if word[0].isalpha())
    prefix = initials.upper()[:4] if initials.isascii() and initials else "SHOP"
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(_TRACKING_LENGTH))


@transactions.requires_transaction
def lock_shipment(shipment_id: int) -> Shipment:
    """Return the parcel, locked after its order: the one lock order of the shop."""
    try:
        reference = Shipment.objects.values_list("reference", flat=True).get(pk=shipment_id)
        fulfilment.answerer.lock(reference=reference)
        return Shipment.objects.select_for_update().get(pk=shipment_id)
    except Shipment.DoesNotExist as error:
        raise ShipmentNotFound from error


def _save_shipment(shipment: Shipment) -> None:
    is_new = shipment.pk is None
    try:
        with transaction.atomic():
            shipment.save(update_fields=None if is_new else ["carrier", "tracking_number"])
    except IntegrityError as error:
        raise TrackingNumberTaken from error


def _record(shipment: Shipment, actor_id: int | None) -> None:
    ShipmentEvent.objects.create(shipment=shipment, status=shipment.status, actor_id=actor_id)
