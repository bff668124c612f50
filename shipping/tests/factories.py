"""Addresses, zones, methods and parcels for tests."""

from typing import Any

import factory

from accounts.tests.factories import UserFactory
from shipping.models import (
    Address,
    Shipment,
    ShipmentEvent,
    ShipmentLine,
    ShippingMethod,
    ShippingRate,
    Zone,
    ZoneArea,
)


class AddressFactory(factory.django.DjangoModelFactory[Address]):
    """An address in London; ``AddressFactory(user=..., is_default=True)`` for the default one."""

    class Meta:
        model = Address

    class Params:
        is_default = factory.Trait(default_for=factory.SelfAttribute("user.pk"))

    user = factory.SubFactory(UserFactory)
    full_name = "Ada Lovelace"
    line1 = "12 St James's Square"
    city = "London"
    postal_code = "SW1Y 4JH"
    country = "GB"


class ZoneFactory(factory.django.DjangoModelFactory[Zone]):
    """``ZoneFactory(areas=["GB", ("US", "CA")])``: countries, or countries with a region."""

    class Meta:
        model = Zone
        skip_postgeneration_save = True

    name = factory.Sequence(lambda number: f"Zone {number}")

    @factory.post_generation
    def areas(self, create: bool, extracted: Any, **kwargs: Any) -> None:  # noqa: FBT001  # factory_boy's signature
        for area in extracted or ():
            country, region = (area, "") if isinstance(area, str) else area
            ZoneArea.objects.create(zone_id=self.pk, country=country, region=region)


class ShippingMethodFactory(factory.django.DjangoModelFactory[ShippingMethod]):
    """A method that goes everywhere for 4.99; ``zones=[...]`` limits it, and
    ``rates={2000: 899}`` makes it dearer from two kilograms on."""

    class Meta:
        model = ShippingMethod
        skip_postgeneration_save = True

    name = "Standard"
    code = factory.Sequence(lambda number: f"method-{number}")
    price_minor = 499

    @factory.post_generation
    def zones(self, create: bool, extracted: Any, **kwargs: Any) -> None:  # noqa: FBT001  # factory_boy's signature
        if extracted:
            self.zones.set(extracted)

    @factory.post_generation
    def rates(self, create: bool, extracted: Any, **kwargs: Any) -> None:  # noqa: FBT001  # factory_boy's signature
        for weight, price_minor in (extracted or {}).items():
            ShippingRate.objects.create(
                method_id=self.pk, from_weight_grams=weight, price_minor=price_minor
            )


class ShipmentFactory(factory.django.DjangoModelFactory[Shipment]):
    """A packed parcel; ``ShipmentFactory(units={"SKU-1": 2})`` says what is in it."""

    class Meta:
        model = Shipment
        skip_postgeneration_save = True

    reference = factory.Sequence(lambda number: f"R{number:012}")
    customer = factory.SubFactory(UserFactory)
    tracking_number = factory.Sequence(lambda number: f"TEST{number:016}")

    @factory.post_generation
    def units(self, create: bool, extracted: Any, **kwargs: Any) -> None:  # noqa: FBT001  # factory_boy's signature
        for sku, quantity in (extracted or {"SKU-1": 1}).items():
            ShipmentLine.objects.create(
                shipment_id=self.pk, sku=sku, name=f"Item {sku}", quantity=quantity
            )
        ShipmentEvent.objects.create(shipment_id=self.pk, status=Shipment.Status.PACKED)
