"""Tax rates for the people who run the shop."""

from typing import Any

from django import forms
from django.contrib import admin

from cart.admin.fields import PercentFormField
from cart.models import TaxRate
from cart.models.taxes import normalise_region
from cart.percent import format_percent
from shop_backend.kernel.admin import ShopModelAdmin


class CapitalsFormField(forms.CharField):
    """A country or region in any case; kept in capitals."""

    def to_python(self, value: Any) -> str:
        return normalise_region(super().to_python(value) or "")


class TaxRateForm(forms.ModelForm):
    country = CapitalsFormField(max_length=2, help_text="Two letters, such as GB.")
    region = CapitalsFormField(max_length=100, required=False, help_text="Empty: all of it.")
    rate_ppm = PercentFormField(decimals=4, label="Rate")

    class Meta:
        model = TaxRate
        fields = ["tax_class", "country", "region", "rate_ppm", "name"]


@admin.register(TaxRate)
class TaxRateAdmin(ShopModelAdmin):
    form = TaxRateForm
    list_display = ["name", "tax_class", "country", "region", "rate"]
    list_filter = ["tax_class", "country"]
    list_select_related = ["tax_class"]
    search_fields = ["name", "country", "region"]
    ordering = ["country", "region", "pk"]

    @admin.display(description="Rate", ordering="rate_ppm")
    def rate(self, tax_rate: TaxRate) -> str:
        return f"{format_percent(tax_rate.rate_ppm, decimals=4)} %"
