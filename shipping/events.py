"""What shipping reports upward."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ShipmentPacked:
    """A parcel was made up."""

    reference: str
    shipment_id: int
    actor_id: int | None


@dataclass(frozen=True)
class ShipmentCancelled:
    """A parcel was unpacked before it left."""

    reference: str
    shipment_id: int
    actor_id: int | None


@dataclass(frozen=True)
class ShipmentShipped:
    """A parcel has left the house. ``units`` are (SKU, units), sorted by SKU."""

    reference: str
    shipment_id: int
    units: tuple[tuple[str, int], ...]
    actor_id: int | None


@dataclass(frozen=True)
class ShipmentDelivered:
    """A parcel has arrived."""

    reference: str
    shipment_id: int
    actor_id: int | None
