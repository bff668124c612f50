"""Every write that is the staff's to do: the audit log names each row that it changed, and how.

What a request really changed is read from the tables, before and after it.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from rest_framework.test import APIClient

from accounts.tests.factories import StaffFactory
from cart.tests.factories import CouponFactory, TaxRateFactory
from catalog.models import Attribute, ProductImage, Review, TaxClass, Variant
from catalog.tests.factories import CategoryFactory, ProductFactory, VariantFactory
from inventory.models import StockLevel
from inventory.tests.factories import LocationFactory
from orders.models import Order, Return
from orders.tests.trade import (
    ask_back,
    buyer,
    client_of,
    manager,
    move_return,
    pay,
    place,
    place_and_deliver,
    place_and_pay,
)
from payments.models import Payment
from shipping.models import Shipment
from shipping.tests.factories import ShippingMethodFactory, ZoneFactory
from shop_backend.kernel.access import Permission
from shop_backend.kernel.models import AuditEntry
from tests.client import ShopClient
from tests.faces import payload_of
from tests.routes import api_routes

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

Request = tuple[str, str, dict[str, Any] | None]  # method, path, body
Change = tuple[set[str], str]

_HISTORY = "a history: it only grows, and what it tells of is in the log"
_MACHINERY = "how the shop works, not what staff decide"
UNRECORDED = {
    **{
        model._meta.label: _HISTORY
        for model in apps.get_models()
        if getattr(model, "APPEND_ONLY", False)
    },
    **dict.fromkeys(["kernel.IdempotencyKey", "kernel.OutboxMessage"], _MACHINERY),
    **dict.fromkeys(["kernel.SpentBudget", "catalog.CatalogueChange"], _MACHINERY),
    **dict.fromkeys(["catalog.StockDoubt", "payments.ProviderEvent"], _MACHINERY),
    **dict.fromkeys([f"payments.Sandbox{name}" for name in ("Intent", "Refund")], _MACHINERY),
    **dict.fromkeys([f"payments.Sandbox{name}" for name in ("Event", "Request")], _MACHINERY),
    "inventory.Reservation": "it moves with its level, and the ledger names the order",
    "shipping.Address": "a person's own; it goes when the account is deleted, which is in the log",
    "accounts.Session": "all end with the account's sign_in_epoch",
}


@pytest.fixture(autouse=True)
def _captured_by_hand(request, settings):
    if any(word in request.node.name for word in ("capture", "void")):
        settings.PAYMENT_CAPTURE_METHOD = "manual"


def _lamp(**fields: Any) -> Variant:
    return VariantFactory(**{"stock": 9, **fields})  # type: ignore[return-value]  # factory_boy


def _paid() -> Order:
    return place_and_pay(buyer(), (_lamp(), 2))


def _authorised() -> Payment:
    pay(place(buyer(), (_lamp(), 1)))
    return Payment.objects.get()


def _returned(status: str = "requested") -> tuple[Order, Return]:
    order = place_and_deliver(buyer(), (_lamp(), 2))
    ask_back(order, 2)
    back = Return.objects.get()
    if status != "requested":
        assert move_return(order, back.pk, status, manager()).status_code == 200
    return order, back


def _review() -> str:
    order = place_and_deliver(buyer(), (_lamp(), 1))
    path = f"catalog/products/{order.lines.get().variant.product_id}/reviews/"
    client_of(order.customer).post(f"/api/{path}", {"rating": 5, "text": "Bright."}, format="json")
    return f"{path}{Review.objects.get().pk}/"


def _decided(word: str) -> Request:
    return "post", f"{_review()}{word}/", {"revision": 1, "reason": "rude"}


def _image() -> str:
    image = ProductImage.objects.create(
        product=_lamp().product, address="https://example.com/a.png", position=3
    )
    return f"catalog/products/{image.product_id}/images/{image.pk}/"


def _variant() -> str:
    first = _lamp()
    second = VariantFactory(product=first.product, stock=2, position=2)
    return f"catalog/products/{first.product_id}/variants/{second.pk}/"


def _product() -> str:
    return f"catalog/products/{_lamp().product_id}/"


def _sized() -> int:
    _, path, body = _rich_product()
    made = client_of(manager()).post(f"/api/{path}", body, format="json")
    pk: int = payload_of(made)["id"]
    return pk


def _rich_product() -> Request:
    Attribute.objects.create(code="width", name="Width")
    body = {
        "name": "Shirt",
        "category": CategoryFactory().pk,
        "options": [{"name": "Size", "values": ["S", "L"]}],
        "attributes": [{"code": "width", "value": "3"}],
        "variants": [
            {"price": "5.00", "stock": 3, "options": {"Size": "S"}},
            {"price": "6.00", "stock": 0, "options": {"Size": "L"}},
        ],
    }
    return "post", "catalog/products/", body


def _changed_attributes() -> Request:
    Attribute.objects.create(code="width", name="Width")
    body = {"attributes": [{"code": "width", "value": "3"}]}
    return "patch", _product(), body


def _attribute() -> str:
    return f"catalog/attributes/{Attribute.objects.create(code='width', name='Width').pk}/"


def _tax_class() -> str:
    return f"catalog/tax-classes/{TaxClass.objects.create(code='low', name='Low').pk}/"


def _category() -> str:
    return f"catalog/categories/{CategoryFactory(name='Tea').pk}/"


def _new_tax_rate() -> Request:
    body = {"tax_class": TaxClass.objects.get().pk, "country": "DE", "rate": "19", "name": "USt"}
    return "post", "cart/tax-rates/", body


def _tax_rate() -> str:
    return f"cart/tax-rates/{TaxRateFactory().pk}/"


def _changed_tax_rate() -> dict[str, Any]:
    return {"tax_class": TaxClass.objects.get().pk, "country": "DE", "rate": "7", "name": "USt"}


def _coupon() -> str:
    return f"cart/coupons/{CouponFactory(code='TENTH').pk}/"


def _coupon_of_products() -> Request:
    return "patch", _coupon(), {"products": [ProductFactory().pk]}


def _zone() -> str:
    return f"shipping/zones/{ZoneFactory(name='Isles', areas=['GB', 'IE']).pk}/"


def _method() -> str:
    return f"shipping/methods/{ShippingMethodFactory().pk}/"


def _shipment() -> str:
    client_of(manager()).post("/api/shipping/shipments/", {"order": _paid().number}, format="json")
    return f"shipping/shipments/{Shipment.objects.get().pk}/"


def _location() -> str:
    return f"inventory/locations/{LocationFactory(name='Cellar').pk}/"


def _adjustment(**body: Any) -> Request:
    return "post", "inventory/adjustments/", {"sku": _lamp().sku, "reason": "found", **body}


def _transfer() -> Request:
    level = StockLevel.objects.get(item__sku=_lamp().sku)
    body = {"sku": level.item.sku, "source": level.location.code, "quantity": 1}
    return "post", "inventory/transfers/", {**body, "target": LocationFactory().code}


def _received() -> Request:
    order, back = _returned("approved")
    lines = [{"line_id": back.lines.get().pk, "good": 1, "damaged": 1}]
    body = {"status": "received", "lines": lines}
    return "patch", f"orders/{order.number}/returns/{back.pk}/", body


def _restocked() -> Request:
    method, path, body = _received()
    client_of(manager()).patch(f"/api/{path}", body, format="json")
    return method, path, {"status": "restocked"}


def _approved() -> Request:
    order, back = _returned()
    return "patch", f"orders/{order.number}/returns/{back.pk}/", {"status": "approved"}


def _asked_back() -> Request:
    order = place_and_deliver(buyer(), (_lamp(), 2))
    body = {"lines": [{"line_id": order.lines.get().pk, "quantity": 1}]}
    return "post", f"orders/{order.number}/returns/", body


def _second_refund() -> Request:
    """Ask for a refund whose number is another payment's."""
    first, second = _paid(), _paid()
    payment = Payment.objects.get(reference=second.number)
    assert Payment.objects.get(reference=first.number).pk < payment.pk
    return "post", f"payments/{payment.pk}/refunds/", {"amount": "1.00"}


def _offline() -> Request:
    order = place(buyer(), (_lamp(price_minor=1000), 1))
    return "post", "payments/offline/", {"order_id": order.number}


def _cancelled_with_coupon() -> Request:
    CouponFactory(code="TENTH")
    order = place(buyer(), (_lamp(), 1), coupon="TENTH")
    pay(order)
    return "post", f"orders/{order.number}/cancel/", {}


def _order(status: str) -> Callable[[], Request]:
    return lambda: ("patch", f"orders/{_paid().number}/", {"status": status})


def _shipped_in_steps() -> Request:
    order = _paid()
    path = f"orders/{order.number}/"
    client_of(manager()).patch(f"/api/{path}", {"status": "processing"}, format="json")
    return "patch", path, {"status": "shipped"}


def _removed_order() -> Request:
    CouponFactory(code="TENTH")
    order = place(buyer(), (_lamp(), 1), coupon="TENTH")
    return "delete", f"orders/{order.number}/", None


def _person() -> str:
    person = buyer()
    ShopClient().sign_in(person)
    return f"accounts/users/{person.pk}/"


_COUPON = {"code": "TEN", "kind": "percent", "percent": "10"}
_METHOD = {"name": "Post", "code": "post", "price": "4.00", "min_days": 1, "max_days": 3}
_RATE = {"from_weight_grams": 500, "price": "9.00"}
_CLASS = {"name": "Low", "code": "low2"}
_DEFAULT = {"name": "Low", "code": "low", "is_default": True}
_AREAS = {"name": "Home", "areas": [{"country": "GB"}, {"country": "FR"}]}


def _plain(method: str, path: Callable[[], str] | str, body: Any = None) -> Callable[[], Request]:
    def make() -> Request:
        found = path if isinstance(path, str) else path()
        return method, found, body() if callable(body) else body

    return make


# View and action, and requests that it accepts.
WRITES: dict[tuple[str, str], list[Callable[[], Request]]] = {
    ("ProductViewSet", "create"): [
        _plain("post", "catalog/products/", {"name": "Lamp", "price": "5.00", "stock": 3}),
        _rich_product,
    ],
    ("ProductViewSet", "update"): [_plain("put", _product, {"name": "Torch", "price": "3.00"})],
    ("ProductViewSet", "partial_update"): [
        _plain("patch", _product, {"stock": 4}),
        _plain("patch", _product, {"price": "3.00", "status": "draft"}),
        _changed_attributes,
    ],
    ("ProductViewSet", "destroy"): [_plain("delete", _product)],
    ("VariantViewSet", "create"): [
        lambda: (
            "post",
            f"catalog/products/{_sized()}/variants/",
            {"price": "1.00", "stock": 3, "options": {"Size": "XL"}},
        ),
    ],
    ("VariantViewSet", "update"): [_plain("put", _variant, {"price": "1.00", "stock": 7})],
    ("VariantViewSet", "partial_update"): [_plain("patch", _variant, {"sku": "NEW-1", "stock": 1})],
    ("VariantViewSet", "destroy"): [_plain("delete", _variant)],
    ("ImageViewSet", "create"): [
        lambda: ("post", f"{_product()}images/", {"url": "https://example.com/b.png"}),
    ],
    ("ImageViewSet", "update"): [_plain("put", _image, {"alt": "A lamp", "position": 1})],
    ("ImageViewSet", "partial_update"): [_plain("patch", _image, {"alt": "A lamp"})],
    ("ImageViewSet", "destroy"): [_plain("delete", _image)],
    ("ReviewViewSet", "destroy"): [lambda: ("delete", _review(), None)],
    ("ReviewViewSet", "approve"): [lambda: _decided("approve")],
    ("ReviewViewSet", "reject"): [lambda: _decided("reject")],
    ("AttributeViewSet", "create"): [
        _plain("post", "catalog/attributes/", {"name": "Size", "code": "size"}),
    ],
    ("AttributeViewSet", "update"): [_plain("put", _attribute, {"name": "X", "code": "x"})],
    ("AttributeViewSet", "partial_update"): [_plain("patch", _attribute, {"name": "X"})],
    ("AttributeViewSet", "destroy"): [_plain("delete", _attribute)],
    ("TaxClassViewSet", "create"): [
        _plain("post", "catalog/tax-classes/", _CLASS),
        _plain("post", "catalog/tax-classes/", {**_DEFAULT, "code": "other"}),
    ],
    ("TaxClassViewSet", "update"): [_plain("put", _tax_class, _DEFAULT)],
    ("TaxClassViewSet", "partial_update"): [_plain("patch", _tax_class, {"name": "Lower"})],
    ("TaxClassViewSet", "destroy"): [_plain("delete", _tax_class)],
    ("CategoryViewSet", "create"): [_plain("post", "catalog/categories/", {"name": "Lamps"})],
    ("CategoryViewSet", "update"): [_plain("put", _category, {"name": "Coffee"})],
    ("CategoryViewSet", "partial_update"): [_plain("patch", _category, {"is_active": False})],
    ("CategoryViewSet", "destroy"): [_plain("delete", _category)],
    ("CouponViewSet", "create"): [_plain("post", "cart/coupons/", _COUPON)],
    ("CouponViewSet", "update"): [_plain("put", _coupon, {**_COUPON, "percent": "20"})],
    ("CouponViewSet", "partial_update"): [
        _plain("patch", _coupon, {"is_active": False}),
        _coupon_of_products,
    ],
    ("CouponViewSet", "destroy"): [_plain("delete", _coupon)],
    ("TaxRateViewSet", "create"): [_new_tax_rate],
    ("TaxRateViewSet", "update"): [_plain("put", _tax_rate, _changed_tax_rate)],
    ("TaxRateViewSet", "partial_update"): [_plain("patch", _tax_rate, {"rate": "7"})],
    ("TaxRateViewSet", "destroy"): [_plain("delete", _tax_rate)],
    ("UserViewSet", "update"): [_plain("put", _person, {"first_name": "Ann", "last_name": "B"})],
    ("UserViewSet", "partial_update"): [_plain("patch", _person, {"is_active": False})],
    ("UserViewSet", "destroy"): [_plain("delete", _person)],
    ("OrderViewSet", "update"): [
        lambda: ("put", f"orders/{_paid().number}/", {"status": "processing"}),
    ],
    ("OrderViewSet", "partial_update"): [
        lambda: ("patch", f"orders/{place(buyer(), (_lamp(), 1)).number}/", {"status": "paid"}),
        _order("cancelled"),
        _shipped_in_steps,
    ],
    ("OrderViewSet", "destroy"): [_removed_order],
    ("OrderViewSet", "cancel"): [_cancelled_with_coupon],
    ("ReturnViewSet", "create"): [_asked_back],
    ("ReturnViewSet", "partial_update"): [_approved, _received, _restocked],
    ("NoteViewSet", "create"): [lambda: ("post", f"orders/{_paid().number}/notes/", {"text": "a"})],
    ("PaymentViewSet", "offline"): [_offline],
    ("PaymentViewSet", "refunds"): [_second_refund],
    ("PaymentViewSet", "capture"): [lambda: ("post", f"payments/{_authorised().pk}/capture/", {})],
    ("PaymentViewSet", "void"): [lambda: ("post", f"payments/{_authorised().pk}/void/", {})],
    ("ZoneViewSet", "create"): [_plain("post", "shipping/zones/", _AREAS)],
    ("ZoneViewSet", "update"): [_plain("put", _zone, _AREAS)],
    ("ZoneViewSet", "partial_update"): [_plain("patch", _zone, {"areas": [{"country": "NO"}]})],
    ("ZoneViewSet", "destroy"): [_plain("delete", _zone)],
    ("ShippingMethodViewSet", "create"): [
        _plain("post", "shipping/methods/", {**_METHOD, "rates": [_RATE]}),
    ],
    ("ShippingMethodViewSet", "update"): [_plain("put", _method, _METHOD)],
    ("ShippingMethodViewSet", "partial_update"): [
        _plain("patch", _method, {"price": "5.00", "rates": [_RATE]}),
    ],
    ("ShippingMethodViewSet", "destroy"): [_plain("delete", _method)],
    ("ShipmentViewSet", "create"): [
        lambda: ("post", "shipping/shipments/", {"order": _paid().number}),
        lambda: ("post", "shipping/shipments/", {"order": str(_paid().pk)}),
    ],
    ("ShipmentViewSet", "partial_update"): [
        _plain("patch", _shipment, {"carrier": "Van"}),
        _plain("patch", _shipment, {"status": "shipped"}),
    ],
    ("LocationViewSet", "create"): [
        _plain("post", "inventory/locations/", {"code": "b", "name": "B"}),
    ],
    ("LocationViewSet", "update"): [_plain("put", _location, {"code": "c", "name": "C"})],
    ("LocationViewSet", "partial_update"): [_plain("patch", _location, {"is_active": False})],
    ("LocationViewSet", "destroy"): [_plain("delete", _location)],
    ("StockViewSet", "partial_update"): [
        lambda: ("patch", f"inventory/stock/{_lamp().sku}/", {"low_stock_threshold": 2}),
    ],
    ("AdjustmentView", "post"): [
        lambda: _adjustment(delta=-1),
        lambda: _adjustment(counted=20),
        lambda: _adjustment(delta=3, location=LocationFactory().code),
    ],
    ("TransferView", "post"): [_transfer],
}
# Signed in is enough for these, but the rights of a role let them reach what is not their own.
_BEYOND_ONES_OWN = {
    *(("UserViewSet", action) for action in ("update", "partial_update", "destroy")),
    *(("OrderViewSet", action) for action in ("update", "partial_update", "destroy", "cancel")),
    *(("ReturnViewSet", action) for action in ("create", "partial_update")),
    ("NoteViewSet", "create"),
    ("ReviewViewSet", "destroy"),
}
CASES = [
    pytest.param(make, id=f"{view}-{action}-{number}")
    for (view, action), makers in WRITES.items()
    for number, make in enumerate(makers, 1)
]


def _rows() -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for model in apps.get_models():
        if model._meta.label in UNRECORDED:
            continue
        plain = [field for field in model._meta.concrete_fields if not field.generated]
        many = [field for field in model._meta.many_to_many if field.name != "permissions"]
        for row in model._base_manager.all():
            values = {field.attname: getattr(row, field.attname) for field in plain}
            for field in many:
                keys = getattr(row, field.name).values_list("pk", flat=True)
                values[field.name] = sorted(keys)
            yield (model._meta.label_lower, str(row.pk)), values


def _what_changed(before: dict[Any, Any], after: dict[Any, Any]) -> dict[Any, set[str]]:
    changed = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key, {}), after.get(key, {})
        names = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        if names:
            changed[key] = names
    return changed


def test_every_write_of_the_staff_is_walked():
    staffs = {
        (route.view.__name__, route.action)
        for route in api_routes()
        if route.method != "get" and isinstance(route.access, Permission)
    }

    assert set(WRITES) == staffs | _BEYOND_ONES_OWN


@pytest.mark.parametrize("make", CASES)
def test_the_log_names_each_row_that_a_write_changed_and_no_other(make):
    method, path, body = make()
    client = APIClient()  # what follows the commit is the worker's to do, and not in the log
    client.force_authenticate(StaffFactory(role="admin"))
    last = max(AuditEntry.objects.values_list("pk", flat=True), default=0)
    before = dict(_rows())

    answer = getattr(client, method)(f"/api/{path}", body, format="json")

    assert answer.status_code in {200, 201, 204}, answer.json()
    changed = _what_changed(before, dict(_rows()))
    outcomes = AuditEntry.objects.filter(pk__gt=last, phase="outcome")
    assert changed
    recorded = {(row.object_kind, row.object_id): set(row.changes) for row in outcomes}
    assert recorded == changed
    assert len(recorded) == len(outcomes)
