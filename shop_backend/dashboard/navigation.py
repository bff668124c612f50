"""The admin's sidebar, grouped as a shop worker thinks and not as the code is cut."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.contrib import admin
from django.core.paginator import InvalidPage
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse, reverse_lazy


class _Group(NamedTuple):
    """Models by label with their icon; models of ``apps`` that no group names come last."""

    title: str
    icons: dict[str, str]
    apps: Sequence[str] = ()


_GROUPS = (
    _Group(
        "Sales",
        {
            "orders.order": "receipt_long",
            "payments.payment": "payments",
            "payments.refund": "undo",
            "orders.return": "assignment_return",
            "cart.coupon": "sell",
            "cart.cart": "shopping_cart",
        },
        ("orders", "cart"),
    ),
    _Group(
        "Catalogue",
        {
            "catalog.product": "inventory_2",
            "catalog.variant": "barcode",
            "catalog.category": "account_tree",
            "catalog.productimage": "image",
            "catalog.review": "reviews",
            "catalog.attribute": "tune",
            "catalog.taxclass": "percent",
            "cart.taxrate": "percent",
        },
        ("catalog",),
    ),
    _Group(
        "Stock",
        {
            "inventory.stocklevel": "warehouse",
            "inventory.stockitem": "package_2",
            "inventory.location": "location_on",
            "inventory.reservation": "bookmark",
            "inventory.stockmovement": "swap_vert",
        },
        ("inventory",),
    ),
    _Group(
        "Shipping",
        {
            "shipping.shipment": "local_shipping",
            "shipping.shippingmethod": "route",
            "shipping.shippingrate": "price_change",
            "shipping.zone": "public",
        },
        ("shipping",),
    ),
    _Group(
        "Customers",
        {
            "accounts.user": "group",
            "auth.group": "badge",
            "shipping.address": "home_pin",
            "accounts.session": "devices",
        },
        ("accounts", "auth"),
    ),
    _Group(
        "Background work",
        {
            "kernel.outboxmessage": "outgoing_mail",
            "payments.providerevent": "webhook",
            "kernel.idempotencykey": "key",
            "kernel.recordedevent": "history",
        },
        ("kernel", "payments"),
    ),
)
# Rows that are read on the page they belong to; "All applications" leads to them as well.
_READ_ELSEWHERE = {
    "cart.coupontally",
    "cart.couponuse",
    "catalog.pricechange",
    "catalog.option",
    "catalog.optionvalue",
    "orders.orderevent",
    "orders.orderline",
    "orders.ordernote",
    "orders.returnline",
    "shipping.shipmentevent",
    "shipping.shipmentline",
    "shipping.zonearea",
}
_DEFAULT_ICON = "table_rows"
_INVARIANTS = {"title": "Invariants", "icon": "rule", "link": reverse_lazy("invariants")}


def get_navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar's groups with the links that this person may follow."""
    registered = {model._meta.label_lower: model for model in admin.site._registry}
    named = {label for group in _GROUPS for label in group.icons}
    groups: list[dict[str, Any]] = [
        {
            "title": None,
            "items": [
                {"title": "Today", "icon": "space_dashboard", "link": reverse("admin:index")}
            ],
        }
    ]
    for group in _GROUPS:
        rest = sorted(
            label
            for label, model in registered.items()
            if model._meta.app_label in group.apps
            and label not in named
            and label not in _READ_ELSEWHERE
        )
        items = [
            _link(registered[label], group.icons.get(label, _DEFAULT_ICON))
            for label in [*group.icons, *rest]
            if label in registered and _may_look(request, registered[label])
        ]
        if group.title == "Background work" and request.user.has_perm("kernel.view_invariants"):
            items.append(_INVARIANTS)
        if items:
            groups.append({"title": group.title, "separator": True, "items": items})
    return groups


def search(request: HttpRequest) -> HttpResponse:
    """Answer the field above the sidebar, which the theme does.

    :raises Http404: there is no such page of what was found.
    """
    try:
        found: HttpResponse = admin.site.search(request)  # type: ignore[attr-defined]  # the theme's
    except InvalidPage as error:
        raise Http404 from error
    return found


def _may_look(request: HttpRequest, model: type[Model]) -> bool:
    return admin.site._registry[model].has_view_or_change_permission(request)


def _link(model: type[Model], icon: str) -> dict[str, Any]:
    meta = model._meta
    title = str(meta.verbose_name_plural)
    return {
        "title": title[:1].upper() + title[1:],
        "icon": icon,
        "link": reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"),
    }
