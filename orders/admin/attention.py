"""What needs looking at, in the list of orders."""

from datetime import timedelta

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from orders.models import Order


class AttentionFilter(admin.SimpleListFilter):
    """The orders that somebody should look at."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [
            ("today", "Today's, not called off"),
            ("overdue", "Unpaid and overdue"),
            ("unshipped", "Paid, not shipped for 2 days"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        now, orders = timezone.now(), Order.objects.not_hidden()
        if self.value() == "today":
            return queryset.filter(pk__in=orders.of_the_day(now).values("pk"))
        if self.value() == "overdue":
            return queryset.filter(pk__in=orders.overdue(now).values("pk"))
        if self.value() == "unshipped":
            late = orders.waiting_since(now - timedelta(days=2))
            return queryset.filter(pk__in=late.values("pk"))
        return queryset
