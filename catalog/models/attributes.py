"""Facts about products that can be compared: material, width, dimmable."""

from django.db import models

from catalog.models.products import Product
from catalog.models.slugs import validate_slug


class Attribute(models.Model):
    """A fact that products may state."""

    class Kind(models.TextChoices):
        TEXT = "text"
        NUMBER = "number"
        BOOLEAN = "boolean"

    code = models.CharField(max_length=50, unique=True, validators=[validate_slug])
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.TEXT)

    def __str__(self) -> str:
        return self.name


class ProductAttributeValue(models.Model):
    """What one product states."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="attribute_values")
    attribute = models.ForeignKey(Attribute, on_delete=models.PROTECT, related_name="values")
    # In one spelling for each kind: plain digits for numbers, true or false.
    value = models.CharField(max_length=100)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["product", "attribute"], name="attribute_once_a_product"
            )
        ]
        indexes = [models.Index(fields=["attribute", "value"], name="attribute_value")]

    def __str__(self) -> str:
        return self.value
