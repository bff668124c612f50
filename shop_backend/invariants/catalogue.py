"""What the catalogue keeps beside what it is a sum of."""

from django.db.models import Exists, F, OuterRef, QuerySet

from catalog import sellable
from catalog import services as catalog
from catalog.models import Product, StockDoubt, Variant


def products_beside_their_reviews() -> QuerySet[Product]:
    """Rating and number of reviews are those of the approved ones."""
    return catalog.rated(Product.objects.all()).exclude(
        rating_hundredths=F("true_rating"), review_count=F("true_count")
    )


def products_beside_their_stock() -> QuerySet[Product]:
    """What is kept of whether they can be bought is true, or in doubt, or not kept at all."""
    if not sellable.is_kept():
        return Product.objects.none()
    flag, truth = sellable.is_flagged(), sellable.is_sellable_by_stock()
    wrong = Product.objects.filter((flag & ~truth) | (~flag & truth))
    doubts = StockDoubt.objects.order_by()
    items = Variant.objects.filter(product_id=OuterRef(OuterRef("pk"))).values("stock_item_id")
    return wrong.exclude(
        Exists(doubts.filter(subject="product", subject_id=OuterRef("pk")))
        | Exists(doubts.filter(subject="item", subject_id__in=items))
        | Exists(doubts.filter(subject="location"))
    )
