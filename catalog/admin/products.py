from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from catalog import selectors, services
from catalog.admin.attributes import AttributeValueInline
from catalog.admin.categories import SlugForm
from catalog.admin.images import ProductImageInline
from catalog.admin.refusals import RefusingAdmin
from catalog.models import Option, OptionValue, Product, Variant
from catalog.services import NewVariant
from inventory import selectors as inventory
from inventory.models import MAX_UNITS
from shop_backend.kernel.admin import (
    ReadOnlyAdmin,
    ShopStackedInline,
    ShopTabularInline,
)
from shop_backend.kernel.forms import MoneyFormField, ThemedForm
from shop_backend.kernel.formsets import SentRowsFormSet

_COLUMNS = ("sku", "price_minor", "compare_at_minor", "weight_grams", "is_active", "position")


class VariantForm(ThemedForm, forms.ModelForm):
    """One variant; its stock is set with it once, and adjusted in the inventory afterwards."""

    price_minor = MoneyFormField(label="Price")
    compare_at_minor = MoneyFormField(label="Compare-at price", required=False)
    choices = forms.CharField(
        max_length=1000,
        required=False,
        help_text="What tells it apart: Colour=Red; Size=M",
    )
    stock = forms.IntegerField(
        min_value=0, max_value=MAX_UNITS, required=False, help_text="Of a new variant only."
    )

    class Meta:
        model = Variant
        fields = ["sku", "price_minor", "compare_at_minor", "weight_grams", "is_active", "position"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sku"].required = False
        if self.instance.pk is not None:
            options = selectors.describe_options(self.instance)
            text = "; ".join(f"{name}={value}" for name, value in options.items())
            self.fields["choices"].initial = text
            self.fields["stock"].disabled = True

    def clean_choices(self) -> dict[str, str]:
        options = {}
        for part in filter(None, map(str.strip, self.cleaned_data["choices"].split(";"))):
            name, _, value = (piece.strip() for piece in part.partition("="))
            if not 0 < len(name) <= 50 or not 0 < len(value) <= 50:
                raise ValidationError("Write the choices as Colour=Red; Size=M")
            options[name] = value
        return options

    def clean_sku(self) -> str:
        sku: str = self.cleaned_data["sku"]
        others = Variant.objects.exclude(pk=self.instance.pk)
        if sku and others.filter(sku__iexact=sku).exists():
            raise ValidationError("The SKU is taken.", "sku_taken")
        return sku or self.instance.sku


class VariantFormSet(SentRowsFormSet):
    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if form.cleaned_data and not self._is_removed(form)]
        is_on_sale = self.instance.status == Product.Status.ACTIVE
        if is_on_sale and not any(form.cleaned_data.get("is_active") for form in kept):
            raise ValidationError("A product on sale needs an active variant.", "last_variant")

    def _is_removed(self, form: Any) -> bool:
        return bool(form.cleaned_data.get("DELETE"))


class VariantInline(ShopStackedInline):
    model = Variant
    form = VariantForm
    formset = VariantFormSet
    extra = 0
    min_num = 1
    fields = [
        ("sku", "is_active"),
        ("price_minor", "compare_at_minor"),
        ("weight_grams", "position"),
        "choices",
        ("stock", "available"),
    ]
    readonly_fields = ["available"]

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        base: Any = formset.form

        class RetiringForm(base):
            def hand_clean_DELETE(self) -> None:  # noqa: N802 (Django's name)
                """Removing retires the row: what points at it stays."""

        formset.form = RetiringForm
        return formset

    def get_queryset(self, request: HttpRequest) -> QuerySet[Variant]:
        queryset: Any = super().get_queryset(request).filter(removed_at=None)
        variants: QuerySet[Variant] = queryset.with_options().order_by("position", "pk")
        return variants

    @admin.display(description="Available units")
    def available(self, variant: Variant) -> str:
        found = inventory.get_availability([variant.stock_item_id or 0])
        if not found:
            return "-"
        [units] = found.values()
        return "not counted" if units is None else str(units)


class OptionInline(ShopTabularInline):
    """The options as the variants' choices made them; here they are named and ordered."""

    model = Option
    extra = 0
    can_delete = False
    fields = ["name", "position", "value_names"]
    readonly_fields = ["value_names"]

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Option]:
        return super().get_queryset(request).prefetch_related("values").order_by("position", "pk")

    @admin.display(description="Values")
    def value_names(self, option: Option) -> str:
        return ", ".join(row.value for row in option.values.all())


class ProductForm(SlugForm):
    class Meta:
        model = Product
        fields = [
            "name",
            "slug",
            "description",
            "category",
            "tax_class",
            "status",
            "published_from",
            "published_until",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "status" in self.fields and self.instance.status != Product.Status.DELETED:
            field: Any = self.fields["status"]
            field.choices = [
                row for row in Product.Status.choices if row[0] != Product.Status.DELETED
            ]


@admin.register(Product)
class ProductAdmin(RefusingAdmin):
    """Products with their variants; each rule is that of the services."""

    form = ProductForm
    list_display = ["name", "category", "status", "from_price", "created_at"]
    list_filter = ["status", "category"]
    list_select_related = ["category"]
    search_fields = ["name", "slug", "variants__sku"]
    autocomplete_fields = ["category"]
    readonly_fields = ["created_at", "updated_at"]
    inlines = [VariantInline, ProductImageInline, OptionInline, AttributeValueInline]
    actions = ["remove"]

    @admin.display(description="Price from", ordering="from_price_minor")
    def from_price(self, product: Product) -> str:
        return MoneyFormField().prepare_value(product.from_price_minor)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.status == Product.Status.DELETED:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False  # the action hides them, for the orders that hold them

    @admin.action(description="Remove from the shop for good", permissions=["change"])
    def remove(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        count = 0
        for product in queryset.exclude(status=Product.Status.DELETED):
            services.delete_product(product=product)
            count += 1
        self.message_user(request, f"{count} products were removed.")

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        if formset.model is not Variant:
            super().save_formset(request, form, formset, change)
            return
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
        added, changed = [], []
        for row in formset.forms:
            if row.instance.pk is None:
                if row.has_changed() and not row.cleaned_data.get("DELETE"):
                    added.append(_new_variant(row.cleaned_data))
            elif row.cleaned_data.get("DELETE"):
                formset.deleted_objects.append(row.instance)
            elif row.has_changed():
                changed.append((_fresh(row.instance), _changes(row)))
                formset.changed_objects.append((row.instance, row.changed_data))
        services.revise_variants(
            product=form.instance,
            added=added,
            changed=changed,
            removed=[_fresh(variant) for variant in formset.deleted_objects],
            actor_id=request.user.pk,
        )


def _fresh(variant: Variant) -> Variant:
    """Return the variant as it is stored: the form has written its own values on the other."""
    return Variant.objects.select_related("product").get(pk=variant.pk)


def _new_variant(cleaned: dict[str, Any]) -> NewVariant:
    return NewVariant(
        price_minor=cleaned["price_minor"],
        compare_at_minor=cleaned["compare_at_minor"],
        sku=cleaned["sku"],
        stock=cleaned["stock"],
        options=cleaned["choices"],
        weight_grams=cleaned["weight_grams"],
        is_active=cleaned["is_active"],
    )


def _changes(row: Any) -> dict[str, Any]:
    changes = {name: row.cleaned_data[name] for name in row.changed_data if name in _COLUMNS}
    if "choices" in row.changed_data:
        changes["options"] = row.cleaned_data["choices"]
    return changes


@admin.register(Variant)
class VariantAdmin(ReadOnlyAdmin):
    """Every SKU there ever was; it is changed with its product."""

    list_display = ["sku", "product", "price", "is_active", "removed_at"]
    list_filter = ["is_active", "removed_at"]
    list_select_related = ["product"]
    search_fields = ["sku", "product__name"]


@admin.register(Option)
class OptionAdmin(ReadOnlyAdmin):
    list_display = ["name", "product", "position"]
    list_select_related = ["product"]
    search_fields = ["name", "product__name"]


@admin.register(OptionValue)
class OptionValueAdmin(ReadOnlyAdmin):
    list_display = ["value", "option", "position"]
    list_select_related = ["option"]
    search_fields = ["value", "option__name"]
