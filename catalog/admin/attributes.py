from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError

from catalog import services
from catalog.models import Attribute, PriceChange, ProductAttributeValue
from shop_backend.kernel.admin import ReadOnlyAdmin, ShopModelAdmin, ShopTabularInline
from shop_backend.kernel.errors import ShopError


class AttributeForm(forms.ModelForm):
    class Meta:
        model = Attribute
        fields = ["code", "name", "kind"]

    def clean_kind(self) -> str:
        kind: str = self.cleaned_data["kind"]
        if "kind" in self.changed_data and self.instance.values.exists():
            raise ValidationError("Products state values of the present kind.")
        return kind


@admin.register(Attribute)
class AttributeAdmin(ShopModelAdmin):
    """Facts that products may state."""

    form = AttributeForm
    list_display = ["name", "code", "kind"]
    list_filter = ["kind"]
    search_fields = ["name", "code"]


class AttributeValueForm(forms.ModelForm):
    class Meta:
        model = ProductAttributeValue
        fields = ["attribute", "value"]

    def clean(self) -> Any:
        cleaned = super().clean() or {}
        if cleaned.get("attribute") is not None and cleaned.get("value"):
            try:
                cleaned["value"] = services.spell(cleaned["attribute"], cleaned["value"])
            except ShopError as refusal:
                self.add_error("value", str(refusal))
        return cleaned


class AttributeValueInline(ShopTabularInline):
    model = ProductAttributeValue
    form = AttributeValueForm
    fields = ["attribute", "value"]
    autocomplete_fields = ["attribute"]


@admin.register(PriceChange)
class PriceChangeAdmin(ReadOnlyAdmin):
    """Every price there ever was."""

    list_display = ["variant", "price", "created_at", "actor_id"]
    list_filter = ["created_at"]
    list_select_related = ["variant"]
    search_fields = ["variant__sku", "variant__product__name"]
