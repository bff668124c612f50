"""The address book."""

from collections.abc import Mapping
from typing import Any

from accounts import selectors as accounts
from accounts.models import User
from shipping.errors import (
    DefaultAddressNeeded,
    TooManyAddresses,
)
from shipping.models import (
    Address,
    AddressFields,
    Shipment,
)
from shipping.selectors import get_address
from shop_backend.kernel import transactions

MAX_ADDRESSES = 50
ADDRESS_FIELDS = tuple(field.name for field in AddressFields._meta.fields)


@transactions.use_case
def add_address(*, user: User, fields: Mapping[str, Any]) -> Address:
    """Add an entry to the user's address book; the first becomes the default.

    :param fields: columns of the address, and ``is_default``.
    :raises TooManyAddresses: the book is full.
    """
    book = lock_book(user.pk)
    if len(book) >= MAX_ADDRESSES:
        raise TooManyAddresses(limit=MAX_ADDRESSES)
    address = Address.objects.create(user=user, **_columns(fields))
    if not book or fields.get("is_default"):
        _move_default(address)
    return address


@transactions.use_case
def change_address(*, user: User, address_id: int, fields: Mapping[str, Any]) -> Address:
    """Change the fields that are given; ``is_default`` moves the default here.

    :raises AddressNotFound: it is not in this user's book.
    :raises DefaultAddressNeeded: the default is to be one no longer, in favour of none.
    """
    lock_book(user.pk)
    address = get_address(user=user, address_id=address_id)
    if fields.get("is_default") is False and address.is_default:
        raise DefaultAddressNeeded
    columns = _columns(fields)
    for name, value in columns.items():
        setattr(address, name, value)
    if columns:
        address.save(update_fields=list(columns))
    if fields.get("is_default"):
        _move_default(address)
    return address


@transactions.use_case
def delete_address(*, user: User, address_id: int) -> None:
    """Remove an entry; the newest of the others becomes the default if this was it.

    :raises AddressNotFound: it is not in this user's book.
    """
    lock_book(user.pk)
    address = get_address(user=user, address_id=address_id)
    was_default = address.is_default
    address.delete()
    newest = Address.objects.filter(user=user).order_by("-pk").first()
    if was_default and newest is not None:
        _move_default(newest)


@transactions.use_case
def forget_customer(*, user_id: int) -> None:
    """Delete this person's address book; parcels name nobody and stay in the books."""
    Address.objects.filter(user_id=user_id).delete()


def export_customer(*, user_id: int) -> dict[str, Any]:
    """Return what shipping holds about this person, as plain values."""
    addresses = Address.objects.filter(user_id=user_id).order_by("pk")
    shipments = Shipment.objects.filter(customer_id=user_id).with_details().order_by("pk")
    return {
        "addresses": [
            {name: getattr(address, name) for name in ADDRESS_FIELDS}
            | {"is_default": address.is_default, "created_at": address.created_at.isoformat()}
            for address in addresses
        ],
        "shipments": [
            {
                "order": shipment.reference,
                "status": str(shipment.status),
                "carrier": shipment.carrier,
                "tracking_number": shipment.tracking_number,
                "created_at": shipment.created_at.isoformat(),
                "lines": [
                    {"sku": line.sku, "name": line.name, "quantity": line.quantity}
                    for line in shipment.lines.all()
                ],
                "events": [
                    {"status": str(event.status), "at": event.created_at.isoformat()}
                    for event in shipment.events.all()
                ],
            }
            for shipment in shipments
        ],
    }


@transactions.requires_transaction
def lock_book(user_id: int) -> list[int]:
    """Lock the user's whole address book, an empty one too, and return its entries' ids.

    :raises InvalidToken: the user's account has ended meanwhile.
    """
    # The owner's row stands for the book: an empty one has no row of its own to lock.
    accounts.lock_turns(user_id=user_id)
    book = Address.objects.select_for_update().filter(user_id=user_id).order_by("pk")
    return [pk for (pk,) in book.values_list("pk")]


def _move_default(address: Address) -> None:
    old = Address.objects.filter(default_for=address.user_id).exclude(pk=address.pk)
    old.update(default_for=None)
    address.default_for = address.user_id
    address.save(update_fields=["default_for"])


def _columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fields[name] for name in ADDRESS_FIELDS if name in fields}
