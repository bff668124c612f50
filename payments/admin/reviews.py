"""Reviews: the payments whose provider said what does not fit, and what came of it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from payments.admin.history import HistoryInline
from payments.models import Payment, PaymentReview
from shop_backend.kernel.admin import ReadOnlyAdmin
from shop_backend.kernel.forms import ThemedForm


class ReviewFilter(admin.SimpleListFilter):
    """The payments whose provider said what does not fit."""

    title = "review"
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "To be reviewed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        return queryset.exclude(review_reason="") if self.value() == "open" else queryset


class ReviewForm(ThemedForm, forms.Form):
    """What was found, for whoever looks at the books later."""

    note = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class ReviewInline(HistoryInline):
    model = PaymentReview
    fields = ("reason", "said", "opened_at", "closed_at", "closed_by_id", "note")
    readonly_fields = fields


@admin.register(PaymentReview)
class PaymentReviewAdmin(ReadOnlyAdmin):
    list_display = ["payment", "reason", "opened_at", "closed_at", "closed_by_id", "note"]
    list_filter = [("closed_at", admin.EmptyFieldListFilter), "reason", "opened_at"]
    list_select_related = ["payment"]
    search_fields = ["payment__reference"]
    exclude = ["open_key"]
