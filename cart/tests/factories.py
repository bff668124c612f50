"""Coupons and tax rates for tests."""

from typing import Any

import factory
from factory.django import DjangoModelFactory

from cart.models import Coupon, TaxRate
from catalog.models import TaxClass


class CouponFactory(DjangoModelFactory[Coupon]):
    """Ten percent off everything; ``CouponFactory(products=[...])`` limits it."""

    class Meta:
        model = Coupon
        skip_postgeneration_save = True

    code = factory.Sequence(lambda n: f"SAVE-{n}")
    kind = Coupon.Kind.PERCENT
    percent_basis_points = factory.LazyAttribute(
        lambda coupon: 1000 if coupon.kind == Coupon.Kind.PERCENT else None
    )

    @factory.post_generation
    def products(self, create: bool, extracted: Any, **kwargs: Any) -> None:  # noqa: FBT001  # factory_boy's signature
        if extracted:
            self.products.set(extracted)

    @factory.post_generation
    def categories(self, create: bool, extracted: Any, **kwargs: Any) -> None:  # noqa: FBT001  # factory_boy's signature
        if extracted:
            self.categories.set(extracted)


def standard_class() -> TaxClass:
    """Return the class that products without one are of, and that shipping is of."""
    return TaxClass.objects.get_or_create(
        code="standard", defaults={"name": "Standard", "is_default": True}
    )[0]


class TaxRateFactory(DjangoModelFactory[TaxRate]):
    """20 % on standard goods in the whole of Great Britain."""

    class Meta:
        model = TaxRate

    tax_class = factory.LazyFunction(standard_class)
    country = "GB"
    rate_ppm = 200_000
    name = "VAT 20 %"
