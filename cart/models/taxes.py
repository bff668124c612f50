"""What the law takes, by class of goods and place."""

from django.db import models
from django.db.models import Q

from catalog.models import TaxClass
from shipping.countries import validate_country

# One part per million is a ten-thousandth of a percent: 8.875 % is 88,750.
WHOLE_PPM = 1_000_000


def normalise_region(text: str) -> str:
    """Return the region as it is kept, whatever case it was typed in."""
    return text.strip().upper()


class TaxRate(models.Model):
    """The tax on one class of goods in a country, or in one region of it."""

    tax_class = models.ForeignKey(TaxClass, on_delete=models.PROTECT, related_name="+")
    country = models.CharField(max_length=2, validators=[validate_country])
    region = models.CharField(
        max_length=100, blank=True, default="", help_text="Empty: the whole country."
    )
    rate_ppm = models.PositiveIntegerField()
    name = models.CharField(max_length=100, help_text="As it stands on the order: VAT 20 %.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tax_class", "country", "region"], name="tax_rate_once_a_place"
            ),
            models.CheckConstraint(
                condition=Q(rate_ppm__gte=0, rate_ppm__lte=WHOLE_PPM), name="tax_rate_in_bounds"
            ),
        ]
        indexes = [models.Index(fields=["country", "region"], name="tax_rate_by_place")]

    def __str__(self) -> str:
        return f"{self.name} ({self.country} {self.region})".replace(" )", ")")
