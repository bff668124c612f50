from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from catalog import services
from catalog.admin.refusals import RefusingAdmin
from catalog.models import TaxClass


@admin.register(TaxClass)
class TaxClassAdmin(RefusingAdmin):
    """What products are taxed as; the services keep exactly one default."""

    list_display = ["name", "code", "is_default"]
    list_filter = ["is_default"]
    search_fields = ["name", "code"]
    fields = ["name", "code", "is_default"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_default:
            return False
        return super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)  # one at a time, so that the default is safe
        return actions

    def save_model(self, request: HttpRequest, obj: TaxClass, form: Any, change: Any) -> None:
        if change:
            fields = {name: form.cleaned_data[name] for name in form.changed_data}
            services.update_tax_class(tax_class=obj, fields=fields)
        else:
            made = services.create_tax_class(**form.cleaned_data)
            obj.pk = made.pk
            obj._state.adding = False
