"""What the catalogue keeps beside what it is a sum of."""

from django.db.models import F, QuerySet

from catalog import services as catalog
from catalog.models import Product


def products_beside_their_reviews() -> QuerySet[Product]:
    """Rating and number of reviews are those of the approved ones."""
    return catalog.rated(Product.objects.all()).exclude(
        rating_hundredths=F("true_rating"), review_count=F("true_count")
    )
