"""What a product is taxed as; the rates themselves are the cart's."""

from django.db import models
from django.db.models import Q

from catalog.models.slugs import validate_slug


class TaxClass(models.Model):
    """A kind of goods that the law taxes alike: standard, books, food."""

    name = models.CharField(max_length=100)
    code = models.CharField(max_length=50, unique=True, validators=[validate_slug])
    # What products without a class of their own are taxed as; the services keep it exactly one.
    is_default = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "tax classes"
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="one_default_tax_class"
            )
        ]

    def __str__(self) -> str:
        return self.name
