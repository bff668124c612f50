"""What a shop worker is asked when an order moves on."""

from typing import Any

from django import forms

from orders.models import Order
from shipping import selectors as shipping
from shipping.ports import ParcelLine
from shop_backend.kernel.forms import ThemedForm

# What the API calls the act, the status it leads to, and its words for people.
STEPS = {
    "paid": (Order.Status.PAID, "Paid: the money was received outside"),
    "processing": (Order.Status.PROCESSING, "In processing"),
    "shipped": (Order.Status.SHIPPED, "Shipped: everything that is left goes out"),
    "delivered": (Order.Status.DELIVERED, "Delivered"),
    "cancel": (Order.Status.CANCELLED, "Cancelled: the stock is freed, the money goes back"),
}


PACKABLE = {Order.Status.PAID, Order.Status.PROCESSING}


def has_left_to_pack(order: Order) -> bool:
    """Return whether some units of the order are in no parcel yet."""
    parcelled = shipping.get_parcelled_units(reference=order.number)
    return any(line.quantity > parcelled.get(line.sku, 0) for line in order.lines.all())


class MoveOnForm(ThemedForm, forms.Form):
    """Where the order goes from here."""

    status = forms.ChoiceField(label="The order becomes")

    def __init__(self, data: Any, *, actions: list[str]) -> None:
        super().__init__(data)
        field: Any = self.fields["status"]
        field.choices = [STEPS[action] for action in STEPS if action in actions]


class ParcelForm(ThemedForm, forms.Form):
    """What goes into the parcel, of what is not in one yet."""

    carrier = forms.CharField(max_length=100, required=False)
    tracking_number = forms.RegexField(
        r"\A[A-Za-z0-9-]+\Z",
        max_length=64,
        required=False,
        help_text="Empty: the shop makes one that nobody can guess.",
    )

    def __init__(self, data: Any, *, order: Order) -> None:
        super().__init__(data)
        self._skus: dict[str, str] = {}
        parcelled = shipping.get_parcelled_units(reference=order.number)
        for line in order.lines.order_by("pk"):
            left = line.quantity - parcelled.get(line.sku, 0)
            if left > 0:
                name = f"units_{line.pk}"
                self._skus[name] = line.sku
                self.fields[name] = forms.IntegerField(
                    label=f"{line.name} ({line.sku})",
                    min_value=0,
                    max_value=left,
                    initial=left,
                    help_text=f"{left} left",
                )
        self._dress()

    @property
    def parcel_lines(self) -> list[ParcelLine]:
        """The units asked for, of the lines that have any."""
        return [
            ParcelLine(sku, self.cleaned_data[name])
            for name, sku in self._skus.items()
            if self.cleaned_data[name]
        ]

    def clean(self) -> dict[str, Any]:
        """Refuse an empty parcel.

        :raises ValidationError: no units were given.
        """
        cleaned = super().clean() or {}
        if not self.errors and not any(cleaned.get(name) for name in self._skus):
            raise forms.ValidationError("An empty parcel is none.", "empty_parcel")
        return cleaned
