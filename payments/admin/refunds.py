"""Refunds: what is asked for one, and those there were."""

import uuid
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin

from payments.admin.history import HistoryInline
from payments.models import Payment, Refund
from shop_backend.kernel.admin import ReadOnlyAdmin
from shop_backend.kernel.forms import MoneyFormField, ThemedForm


class RefundForm(ThemedForm, forms.Form):
    """How much goes back, and why."""

    amount = MoneyFormField(min_value=Decimal("0.001"))
    reason = forms.CharField(max_length=200)
    # The same form sent twice is one refund.
    attempt = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, data: Any, *, payment: Payment) -> None:
        super().__init__(data)
        self.fields["amount"].initial = payment.refundable.minor
        self.fields["amount"].help_text = f"At most {payment.refundable}"


class RefundInline(HistoryInline):
    model = Refund
    fields = ("amount", "status", "reason", "failure_code", "actor_id", "created_at")
    readonly_fields = fields


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ["payment", "amount", "status", "reason", "failure_code", "created_at"]
    list_filter = ["status", "created_at"]
    list_select_related = ["payment"]
    search_fields = ["payment__reference", "provider_reference"]
    exclude = ["attempt_key"]
