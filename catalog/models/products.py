"""What the shop offers, and the SKUs in which it is really bought."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F, Prefetch, Q
from django.utils import timezone

from catalog.models.categories import Category
from catalog.models.currency import shop_currency
from catalog.models.slugs import validate_slug
from catalog.models.taxes import TaxClass
from inventory.models import StockItem
from shop_backend.kernel.money import MAX_MINOR, Money


def published_at(moment: datetime, *, product: str = "") -> Q:
    """Return the condition on products, or on rows of the ``product``, that customers see then."""
    path = f"{product}__" if product else ""
    has_begun = Q(**{f"{path}published_from": None}) | Q(**{f"{path}published_from__lte": moment})
    has_not_ended = Q(**{f"{path}published_until": None}) | Q(
        **{f"{path}published_until__gt": moment}
    )
    return Q(**{f"{path}status": Product.Status.ACTIVE}) & has_begun & has_not_ended


class ProductQuerySet(models.QuerySet["Product"]):
    def published(self) -> "ProductQuerySet":
        """Return what customers may see now."""
        return self.filter(published_at(timezone.now()))

    def visible_to(self, user: Any) -> "ProductQuerySet":
        """Return what this user may see: staff see drafts too; deleted products nobody."""
        if user.is_authenticated and user.has_perm("catalog.view_product"):
            return self.exclude(status=Product.Status.DELETED)
        return self.published()

    def with_variants(self) -> "ProductQuerySet":
        """Fetch category, images and variants with their stock items: what a list shows."""
        variants = Variant.objects.standing().select_related("stock_item")
        return self.select_related("category", "tax_class").prefetch_related(
            Prefetch("variants", variants.order_by("position", "pk")), "images"
        )

    def with_options(self) -> "ProductQuerySet":
        """Fetch what ``with_variants`` does, and the options and the choices of each variant."""
        # Late: that module imports this one, for its foreign key names Product.
        from catalog.models.attributes import ProductAttributeValue  # noqa: PLC0415  # see above

        options = Option.objects.order_by("position", "pk")
        values = OptionValue.objects.order_by("position", "pk")
        chosen = OptionValue.objects.select_related("option")
        # In one statement with what it names: between two somebody could take the attribute away.
        stated = ProductAttributeValue.objects.select_related("attribute")
        return self.with_variants().prefetch_related(
            Prefetch("attribute_values", stated),
            Prefetch("options", options.prefetch_related(Prefetch("values", values))),
            Prefetch("variants__option_values", chosen.order_by("option__position", "option_id")),
        )


class Product(models.Model):
    """Something the shop offers; it is sold through its variants."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        ARCHIVED = "archived"
        DELETED = "deleted"

    name = models.CharField(max_length=200)
    slug = models.CharField(max_length=220, unique=True, validators=[validate_slug])
    description = models.TextField(blank=True, default="", max_length=10_000)
    category = models.ForeignKey(
        Category, null=True, blank=True, on_delete=models.PROTECT, related_name="products"
    )
    # Null: taxed as the default class, whichever that is.
    tax_class = models.ForeignKey(
        TaxClass, null=True, blank=True, on_delete=models.PROTECT, related_name="products"
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    # Shown and sold from then until then; empty: without an end on that side.
    published_from = models.DateTimeField(null=True, blank=True)
    published_until = models.DateTimeField(null=True, blank=True)
    # The lowest price of an active variant, kept by the services: lists sort and filter by it.
    from_price_minor = models.BigIntegerField(default=0, editable=False)
    currency = models.CharField(max_length=3, default=shop_currency, editable=False)
    # The average of the approved reviews, 100 to 500, and their number, kept by the services.
    # 0, not null, without any: it sorts below every rating on every database.
    rating_hundredths = models.PositiveSmallIntegerField(default=0, editable=False)
    review_count = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = ProductQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(from_price_minor__gte=0), name="product_price_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(published_from=None)
                | Q(published_until=None)
                | Q(published_from__lt=F("published_until")),
                name="product_published_forwards",
                violation_error_message="It is published from a time before it is published until.",
            ),
            models.CheckConstraint(
                condition=Q(review_count=0, rating_hundredths=0)
                | Q(review_count__gt=0, rating_hundredths__gte=100, rating_hundredths__lte=500),
                name="product_rating_of_reviews",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "from_price_minor", "id"], name="product_by_price"),
            models.Index(fields=["status", "name", "id"], name="product_by_name"),
            models.Index(fields=["status", "created_at", "id"], name="product_by_age"),
            models.Index(
                fields=["published_from"],
                name="product_appears",
                condition=Q(published_from__isnull=False),
            ),
            models.Index(
                fields=["published_until"],
                name="product_vanishes",
                condition=Q(published_until__isnull=False),
            ),
            models.Index(fields=["status", "rating_hundredths", "id"], name="product_by_rating"),
            # One shelf, the newest first; PostgreSQL's has the other columns of lists beside it.
            models.Index(
                fields=["category", "status", "created_at", "id"], name="product_of_category"
            ),
            # Staff see products of every status but one, so no index that begins with it helps.
            *(
                models.Index(
                    fields=[column, "id"],
                    name=f"product_staff_{name}",
                    condition=~Q(status="deleted"),
                )
                for name, column in {
                    "by_age": "created_at",
                    "by_price": "from_price_minor",
                    "by_name": "name",
                    "by_rating": "rating_hundredths",
                }.items()
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def gallery(self) -> list[Any]:
        """The images in their order; fetch them before you ask for those of many products."""
        return sorted(self.images.all(), key=lambda image: (image.position, image.pk))


class Option(models.Model):
    """One way in which a product's variants differ: colour, size."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="options")
    name = models.CharField(max_length=50)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "name"], name="option_once_a_product")
        ]

    def __str__(self) -> str:
        return self.name


class OptionValue(models.Model):
    """One choice of an option: red, XL."""

    option = models.ForeignKey(Option, on_delete=models.CASCADE, related_name="values")
    value = models.CharField(max_length=50)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["option", "value"], name="option_value_once")
        ]

    def __str__(self) -> str:
        return self.value


class VariantQuerySet(models.QuerySet["Variant"]):
    def standing(self) -> "VariantQuerySet":
        """Return those that were not removed."""
        return self.filter(removed_at=None)

    def for_sale(self) -> "VariantQuerySet":
        """Return what a customer can buy, stock apart."""
        published = published_at(timezone.now(), product="product")
        return self.standing().filter(published, is_active=True)

    def with_options(self) -> "VariantQuerySet":
        """Fetch product, stock item, and the choice of each option."""
        chosen = OptionValue.objects.select_related("option")
        return self.select_related("product", "stock_item").prefetch_related(
            Prefetch("option_values", chosen.order_by("option__position", "option_id"))
        )


class Variant(models.Model):
    """What is really bought: one SKU at one price."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="variants")
    stock_item = models.OneToOneField(StockItem, on_delete=models.PROTECT, related_name="+")
    sku = models.CharField("SKU", max_length=64, unique=True)
    price_minor = models.BigIntegerField()
    # What it cost before, or elsewhere; shown crossed out. Always above the price.
    compare_at_minor = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, default=shop_currency, editable=False)
    weight_grams = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)
    option_values = models.ManyToManyField(OptionValue, blank=True, related_name="variants")
    created_at = models.DateTimeField(default=timezone.now)
    # A removed variant stays for the orders that hold it; its SKU was renamed and is free again.
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = VariantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(price_minor__gte=0, price_minor__lte=MAX_MINOR),
                name="variant_price_in_bounds",
            ),
            models.CheckConstraint(
                condition=Q(compare_at_minor=None)
                | Q(compare_at_minor__gt=F("price_minor"), compare_at_minor__lte=MAX_MINOR),
                name="variant_compare_at_above_price",
                violation_error_message="A compare-at price is above the price.",
            ),
        ]

    def __str__(self) -> str:
        return self.sku

    @property
    def price(self) -> Money:
        """The price of one unit."""
        return Money(self.price_minor, self.currency)
