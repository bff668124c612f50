"""What the shop shows and sells."""

from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Prefetch, Q
from django.utils import timezone

from inventory.models import StockItem
from shop_backend.kernel.money import MAX_MINOR, Money

# An id is all digits, so a slug has a letter; these words are steps of other paths.
RESERVED_SLUGS = frozenset({"add", "edit", "delete", "new", "user"})
validate_slug = RegexValidator(
    r"\A(?=.*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*\Z",
    "A slug is made of small letters, digits and single hyphens, with at least one letter.",
    "invalid_slug",
)


def shop_currency() -> str:
    """Return the currency of new prices."""
    return settings.SHOP_CURRENCY


class Category(models.Model):
    """A shelf in the tree of shelves."""

    name = models.CharField(max_length=100)
    slug = models.CharField(max_length=120, unique=True, validators=[validate_slug])
    description = models.TextField(blank=True, default="")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    position = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "categories"
        indexes = [models.Index(fields=["position", "id"], name="category_order")]

    def __str__(self) -> str:
        return self.name


class ProductQuerySet(models.QuerySet["Product"]):
    def published(self) -> "ProductQuerySet":
        """Return what customers may see."""
        return self.filter(status=Product.Status.ACTIVE)

    def visible_to(self, user: Any) -> "ProductQuerySet":
        """Return what this user may see: staff see drafts too; deleted products nobody."""
        if user.is_authenticated and user.has_perm("catalog.view_product"):
            return self.exclude(status=Product.Status.DELETED)
        return self.published()

    def with_variants(self) -> "ProductQuerySet":
        """Fetch category and variants with their stock items: what a list shows."""
        variants = Variant.objects.standing().select_related("stock_item")
        return self.select_related("category").prefetch_related(
            Prefetch("variants", variants.order_by("position", "pk"))
        )

    def with_options(self) -> "ProductQuerySet":
        """Fetch what ``with_variants`` does, and the options and the choices of each variant."""
        options = Option.objects.order_by("position", "pk")
        values = OptionValue.objects.order_by("position", "pk")
        chosen = OptionValue.objects.select_related("option")
        return self.with_variants().prefetch_related(
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
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    # The lowest price of an active variant, kept by the services: lists sort and filter by it.
    from_price_minor = models.BigIntegerField(default=0, editable=False)
    currency = models.CharField(max_length=3, default=shop_currency, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = ProductQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(from_price_minor__gte=0), name="product_price_not_negative"
            )
        ]
        indexes = [
            models.Index(fields=["status", "from_price_minor", "id"], name="product_by_price"),
            models.Index(fields=["status", "name", "id"], name="product_by_name"),
            models.Index(fields=["status", "created_at", "id"], name="product_by_age"),
        ]

    def __str__(self) -> str:
        return self.name


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
        return self.standing().filter(is_active=True, product__status=Product.Status.ACTIVE)

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
            )
        ]

    def __str__(self) -> str:
        return self.sku

    @property
    def price(self) -> Money:
        """The price of one unit."""
        return Money(self.price_minor, self.currency)
