"""How lists of the catalogue are narrowed."""

from typing import Any

import django_filters
from django.db.models import F, Q, QuerySet

from catalog import search, selectors
from catalog.category_tree import CategoryTree
from catalog.models import Category, Product, ProductAttributeValue, ProductQuerySet, Variant
from shop_backend.kernel.errors import InvalidParameter
from shop_backend.kernel.forms import MoneyFormField

MAX_CHOICES = 5
YES = {"1", "true"}
YES_OR_NO = [("1", "yes"), ("true", "yes"), ("0", "no"), ("false", "no")]


class MoneyFilter(django_filters.Filter):
    field_class = MoneyFormField


class ProductFilter(django_filters.FilterSet):
    category = django_filters.CharFilter(
        method="narrow_to_category",
        max_length=120,
        label="A category's id or slug; what lies below it counts in.",
    )
    min_price = MoneyFilter(
        field_name="from_price_minor", lookup_expr="gte", label="At least that price."
    )
    max_price = MoneyFilter(
        field_name="from_price_minor", lookup_expr="lte", label="At most that price."
    )
    in_stock = django_filters.ChoiceFilter(
        choices=YES_OR_NO, method="narrow_to_stock", label="true: what can be bought now."
    )
    search = django_filters.CharFilter(
        method="narrow_to_words",
        max_length=200,
        label="At most 8 words that all occur in name, SKU, description or category.",
    )
    option = django_filters.CharFilter(
        method="narrow_to_choices",
        max_length=101,
        label="Colour:Red; may be repeated, and one variant must have them all.",
    )
    attribute = django_filters.CharFilter(
        method="narrow_to_attributes",
        max_length=151,
        label="material:Glass, by the attribute's code; may be repeated, and all must be stated.",
    )
    status = django_filters.ChoiceFilter(
        choices=[
            choice for choice in Product.Status.choices if choice[0] != Product.Status.DELETED
        ],
        label="For staff; others see what is active.",
    )

    class Meta:
        model = Product
        fields: list[str] = []

    def narrow_to_category(
        self, queryset: ProductQuerySet, name: str, value: str
    ) -> ProductQuerySet:
        tree = CategoryTree.read()
        number = selectors.id_of(value)
        wanted = {row.pk for row in tree.by_id.values() if value == row.slug or number == row.pk}
        below = {pk for category_id in wanted for pk in tree.descendants(category_id)}
        return queryset.filter(category_id__in=below)

    def narrow_to_stock(self, queryset: ProductQuerySet, name: str, value: str) -> Any:
        at_hand = Q(
            stock_item__levels__location__is_active=True,
            stock_item__levels__on_hand__gt=F("stock_item__levels__reserved"),
        )
        sellable = Variant.objects.standing().filter(is_active=True)
        sellable = sellable.filter(at_hand | Q(stock_item__is_tracked=False))
        in_stock = Q(pk__in=sellable.values("product_id"))
        return queryset.filter(in_stock if value in YES else ~in_stock)

    def narrow_to_words(self, queryset: ProductQuerySet, name: str, value: str) -> Any:
        return search.search(queryset, value)

    def narrow_to_choices(self, queryset: ProductQuerySet, name: str, value: str) -> Any:
        variants = Variant.objects.standing().filter(is_active=True)
        for option, wanted in self._pairs(name, value, longest=101):
            variants = variants.filter(
                option_values__option__name__iexact=option, option_values__value__iexact=wanted
            )
        return queryset.filter(pk__in=variants.values("product_id"))

    def narrow_to_attributes(self, queryset: ProductQuerySet, name: str, value: str) -> Any:
        for code, wanted in self._pairs(name, value, longest=151):
            stating = ProductAttributeValue.objects.filter(
                attribute__code=code.lower(), value__iexact=wanted
            )
            queryset = queryset.filter(pk__in=stating.values("product_id"))
        return queryset

    def _pairs(self, name: str, value: str, *, longest: int) -> list[tuple[str, str]]:
        """Return what stands before and after the colons of a parameter that may be repeated."""
        sent = self.data.getlist(name) if hasattr(self.data, "getlist") else [value]
        pairs = []
        for text in sent:
            before, _, after = text.partition(":")
            if not (before and after) or len(text) > longest:
                raise InvalidParameter(name=name)
            pairs.append((before, after))
        if len(pairs) > MAX_CHOICES:
            raise InvalidParameter(name=name)
        return pairs


class CategoryFilter(django_filters.FilterSet):
    parent = django_filters.CharFilter(
        method="narrow_to_parent", max_length=120, label="Id or slug; those directly below."
    )
    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains", max_length=100)

    class Meta:
        model = Category
        fields: list[str] = []

    def narrow_to_parent(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        number = selectors.id_of(value)
        if number is None:
            return queryset.filter(parent__slug=value)
        return queryset.filter(parent_id=number)
