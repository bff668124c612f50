"""Orders, and what the shop does with them."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from unfold.decorators import action, display

from accounts.selectors import signed_in
from orders import mailbox, selectors, services, sheets, taxes
from orders.admin.attention import AttentionFilter
from orders.admin.forms import PACKABLE, STEPS, MoveOnForm, ParcelForm, has_left_to_pack
from orders.admin.history import OrderEventInline
from orders.admin.lines import OrderLineInline
from orders.admin.returns import OrderNoteInline, ReturnInline
from orders.models import Order
from payments.selectors import get_payments
from shipping import services as shipping
from shipping.selectors import get_shipments
from shop_backend.kernel.admin import ReadOnlyAdmin
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.money import Money

TOTALS = ("subtotal", "discount", "shipping", "tax", "total", "captured", "refunded")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders are snapshots; what the shop does with them are actions."""

    list_display = [
        "number",
        "customer",
        "status_label",
        "payment",
        "total",
        "placed_at",
    ]
    list_filter = [AttentionFilter, "status", "placed_at"]
    list_select_related = ["customer"]
    search_fields = ["number", "customer__username", "customer__email", "lines__sku"]
    date_hierarchy = "placed_at"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("number", "placed_at"),
                    ("status_label", "expires_at"),
                    ("customer", "email"),
                    "note",
                )
            },
        ),
        (
            "Money",
            {
                "fields": (
                    ("payment", "is_tax_included"),
                    ("subtotal", "discount"),
                    ("coupon_code", "shipping"),
                    ("tax", "taxed_as"),
                    "total",
                    ("captured", "refunded"),
                )
            },
        ),
        (
            "Delivery",
            {
                "fields": (
                    ("fulfilment", "shipping_method_name"),
                    ("full_name", "phone"),
                    ("line1", "line2"),
                    ("postal_code", "city"),
                    ("region", "country"),
                )
            },
        ),
    )
    readonly_fields = (
        "status_label",
        "payment",
        "fulfilment",
        "payments",
        "parcels",
        "taxed_as",
        *TOTALS,
    )
    inlines = [OrderLineInline, ReturnInline, OrderNoteInline, OrderEventInline]
    actions_detail = ["move_on", "pack"]
    actions = ["start_processing", "ship", "deliver", "cancel", "send_mail_again", "as_csv"]
    reading_actions = ("as_csv",)
    answers = {"delete_selected": "post", "cancel": "confirmed"}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        orders: Any = super().get_queryset(request)
        return orders.with_lines()

    @admin.action(description="Download as CSV", permissions=["view"])
    def as_csv(self, request: HttpRequest, queryset: QuerySet[Order]) -> StreamingHttpResponse:
        return sheets.as_csv(queryset)

    @admin.action(description="Start processing", permissions=["view"])
    def start_processing(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        self._set_status(request, queryset, Order.Status.PROCESSING)

    @admin.action(description="Ship what is left", permissions=["view"])
    def ship(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        self._set_status(request, queryset, Order.Status.SHIPPED)

    @admin.action(description="Mark as delivered", permissions=["view"])
    def deliver(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        self._set_status(request, queryset, Order.Status.DELIVERED)

    @admin.action(description="Cancel and refund", permissions=["view"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        if "confirmed" not in request.POST:
            return self.confirm_page(
                request,
                queryset,
                action="cancel",
                title="Cancel these orders, and send back what was paid?",
                submit="Cancel and refund",
                describe=lambda order: f"{order.number}, {order.status}, {order.total}",
            )
        self._set_status(request, queryset, Order.Status.CANCELLED)
        return None

    @action(description="Move on", url_path="move-on", permissions=["work"])
    def move_on(self, request: HttpRequest, object_id: str) -> HttpResponse:
        order = self._find(request, object_id)
        actions = selectors.get_allowed_actions(order=order, user=request.user)

        def act(answers: dict[str, Any]) -> str:
            actor: Any = request.user
            services.set_status(number=order.number, status=answers["status"], actor=actor)
            return f"{order} is {answers['status']}."

        return self.form_page(
            request,
            row=order,
            title=f"Move {order} on",
            form=lambda data: MoveOnForm(data, actions=actions),
            submit="Move on",
            act=act,
        )

    @action(description="Pack a parcel", url_path="pack", permissions=["pack"])
    def pack(self, request: HttpRequest, object_id: str) -> HttpResponse:
        order = self._find(request, object_id)
        forms: list[ParcelForm] = []

        def form(data: Any) -> ParcelForm:
            forms.append(ParcelForm(data, order=order))
            return forms[-1]

        def act(answers: dict[str, Any]) -> str:
            shipment = shipping.create_shipment(
                reference=order.number,
                lines=forms[-1].parcel_lines,
                carrier=answers["carrier"],
                tracking_number=answers["tracking_number"],
                actor_id=request.user.pk,
            )
            return f"The parcel {shipment} is packed."

        return self.form_page(
            request,
            row=order,
            title=f"Pack a parcel of {order}",
            form=form,
            submit="Pack",
            act=act,
        )

    def is_offered(self, request: HttpRequest, row: Any, action: str) -> bool:
        if action == "pack":
            return row.status in PACKABLE and has_left_to_pack(row)
        return bool(STEPS.keys() & selectors.get_allowed_actions(order=row, user=request.user))

    def has_work_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Return whether this role moves orders on in any way."""
        names = ("orders.cancel_order", "orders.fulfil_order", "payments.record_offline_payment")
        return any(request.user.has_perm(name) for name in names)

    def has_pack_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Return whether this role packs parcels."""
        return request.user.has_perm("shipping.add_shipment")

    def _find(self, request: HttpRequest, object_id: str) -> Order:
        order = self.get_object(request, object_id)
        if order is None or not self.has_view_permission(request, order):
            raise Http404
        return order

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        head, (money, amounts), (delivery, places) = super().get_fieldsets(request, obj)
        if request.user.has_perm("payments.view_payment"):
            amounts = {"fields": (*amounts["fields"], "payments")}
        if request.user.has_perm("shipping.view_shipment"):
            places = {"fields": (*places["fields"], "parcels")}
        return [head, (money, amounts), (delivery, places)]

    @admin.display(description="Payments")
    def payments(self, order: Order) -> str:
        found = get_payments(references=[order.number]).get(order.number, [])
        return _links((payment, f"{payment.amount} {payment.status}") for payment in found)

    @admin.display(description="Parcels")
    def parcels(self, order: Order) -> str:
        found = get_shipments(references=[order.number]).get(order.number, [])
        return _links((shipment, f"{shipment} {shipment.status}") for shipment in found)

    @admin.action(description="Send the latest mail again", permissions=["mail"])
    def send_mail_again(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        for order in queryset.order_by("pk"):
            if mailbox.post_latest_again(order_id=order.pk):
                self.message_user(request, f"{order}: the mail is on its way again.")
            else:
                self.message_user(request, f"{order}: there is nobody to mail.", level="warning")

    def has_mail_permission(self, request: HttpRequest) -> bool:
        """Return whether this role writes to customers."""
        names = ("orders.change_order", "orders.cancel_order")
        return any(request.user.has_perm(name) for name in names)

    @display(
        description="Status",
        ordering="status",
        label={
            "pending": "warning",
            "paid": "success",
            "processing": "info",
            "shipped": "info",
            "delivered": "success",
            "cancelled": "danger",
        },
    )
    def status_label(self, order: Order) -> str:
        return order.status

    @admin.display(description="Payment")
    def payment(self, order: Order) -> str:
        return order.payment_status.replace("_", " ")

    @admin.display(description="Fulfilment")
    def fulfilment(self, order: Order) -> str:
        return order.fulfilment_status.replace("_", " ")

    def subtotal(self, order: Order) -> Money:
        return Money(order.subtotal_minor, order.currency)

    def discount(self, order: Order) -> Money:
        return Money(order.discount_minor, order.currency)

    def shipping(self, order: Order) -> Money:
        return Money(order.shipping_minor, order.currency)

    def tax(self, order: Order) -> Money:
        return Money(order.tax_minor, order.currency)

    @admin.display(description="Tax by rate")
    def taxed_as(self, order: Order) -> str:
        return ", ".join(str(line) for line in taxes.get_tax_lines(order)) or "None"

    def captured(self, order: Order) -> Money:
        return Money(order.captured_minor, order.currency)

    def refunded(self, order: Order) -> Money:
        return Money(order.refunded_minor, order.currency)

    def _set_status(self, request: HttpRequest, queryset: QuerySet[Order], status: str) -> None:
        for order in queryset.order_by("pk"):
            try:
                services.set_status(number=order.number, status=status, actor=signed_in(request))
            except ShopError as refusal:
                self.message_user(request, f"{order.number}: {refusal}", level="error")
            else:
                self.message_user(request, f"{order.number} is {status}.")


def _links(rows: Iterable[tuple[Model, str]]) -> str:
    links = [
        (reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk]), text)
        for row, text in rows
    ]
    return format_html_join(", ", '<a class="text-primary-600" href="{}">{}</a>', links) or "None"
