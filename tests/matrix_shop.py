"""The shop that the access matrix is asked of: what is in it, and a good request of everything.

What belongs to somebody is Ann's. Each request names things that are there, in a state that allows
it, so that its answer says whether the thing is done.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db.models import Model
from django.test import override_settings

from accounts import services, tokens
from accounts.models import Session, User
from accounts.tests.factories import PASSWORD
from cart.models import CartLine, TaxRate
from cart.tests.factories import CouponFactory
from catalog.models import (
    Attribute,
    PriceChange,
    ProductImage,
    Review,
    TaxClass,
    Variant,
)
from catalog.tests.factories import CategoryFactory, VariantFactory
from inventory.models import StockItem
from inventory.tests.factories import LocationFactory
from orders.models import Order
from orders.tests.trade import (
    ask_back,
    client_of,
    manager,
    move_return,
    pay,
    place,
    place_and_deliver,
    place_and_pay,
    set_status,
)
from payments.models import Payment, PaymentReview, ProviderEvent, SandboxEvent
from payments.providers import sandbox, signatures
from shipping.models import Address, Shipment
from shipping.tests.factories import AddressFactory, ShippingMethodFactory, ZoneFactory
from tests.contract.document import path_of, published
from tests.every_row import fill_every_table
from tests.made_codes import NEW_PASSWORD, made_for
from tests.matrix_callers import Caller
from tests.routes import Route

EXAMPLES = json.loads((settings.BASE_DIR / "docs" / "api" / "examples.json").read_text())
STRIPE = {"STRIPE_SECRET_KEY": "sk_test_matrix", "STRIPE_WEBHOOK_SECRET": "whsec_matrix"}
# Their request carries what is the caller's own.
_OF_THE_CALLER = {
    "accounts_two_factor_confirm",
    "accounts_two_factor_recovery_codes",
    "accounts_two_factor_switch_off",
}
_DOORS = {"accounts_login", "accounts_token", "auth_jwt_create"}


@dataclass(frozen=True)
class Asked:
    """A request of the API."""

    path: str
    body: str
    headers: dict[str, str]


class MatrixShop:
    """One of everything, in every state that something can be done in."""

    def __init__(self, *, owner: User, buyers: list[User]) -> None:
        fill_every_table()
        ShippingMethodFactory(zones=[ZoneFactory(areas=["GB"])])
        self.ann = owner
        self.variant: Variant = VariantFactory(stock=500)  # type: ignore[assignment]  # factory_boy is untyped
        unreviewed: Variant = VariantFactory(stock=500)  # type: ignore[assignment]  # as above
        for buyer in buyers:
            AddressFactory(user=buyer, default_for=buyer.pk, country="GB", postal_code="M1 1AE")
            place_and_deliver(buyer, (unreviewed, 1))
            client_of(buyer).post("/api/cart/", {"variant_id": self.variant.pk, "quantity": 1})
        self._names = {key: each.name for key, each in published().operations.items()}
        self.rows: dict[type[Model], Any] = {}
        self.forms: dict[str, dict[str, Any]] = {}
        self.parts, self.bodies = self._fill(owner, unreviewed)

    def _fill(self, ann: User, unreviewed: Variant) -> tuple[dict[str, Any], dict[str, Any]]:
        """Let Ann trade; return what stands in paths and bodies, by path and by operation."""
        product = self.variant.product_id
        delivered = place_and_deliver(ann, (self.variant, 4))
        shipped, packed, paid, pending = (
            place_and_pay(ann, (self.variant, 1)),
            place_and_pay(ann, (self.variant, 1)),
            place_and_pay(ann, (self.variant, 1)),
            place(ann, (self.variant, 1)),
        )
        worker = client_of(manager())
        for order in (shipped, packed):
            worker.post("/api/shipping/shipments/", {"order": order.number})
        set_status(shipped, "shipped")
        with override_settings(PAYMENT_CAPTURE_METHOD="manual"):
            authorised = place(ann, (self.variant, 1))
            pay(authorised)
        asked_back, sent_back, come_back = (
            ask_back(delivered, 1).json()["data"]["id"] for _ in range(3)
        )
        boss = manager()
        for return_id in (sent_back, come_back):
            move_return(delivered, return_id, "approved", boss)
        move_return(delivered, come_back, "received", boss)
        client_of(ann).post(
            f"/api/catalog/products/{product}/reviews/",
            EXAMPLES["catalog_reviews_create"]["request"],
        )
        review = Review.objects.get(author=ann)
        sizes = [{"price": "3.00", "options": {"Size": size}} for size in ("S", "L")]
        sized = worker.post(
            "/api/catalog/products/", {"name": "Shirt", "variants": sizes}, format="json"
        ).json()["data"]
        image = ProductImage.objects.create(
            product_id=product, address="https://example.com/lamp.png"
        )
        PriceChange.objects.create(variant=self.variant, price_minor=700, currency="GBP")
        services.open_session(user=ann, device=services.Device(), rotates=True)
        coupon, line = CouponFactory(code="FRESH"), delivered.lines.get()
        annex = LocationFactory(code="side")
        zone, method = ZoneFactory(areas=["NZ"]), ShippingMethodFactory()
        address = Address.objects.get(user=ann)
        sku = self.variant.stock_item.sku
        tax_class = TaxClass.objects.create(name="Spare", code="spare").pk
        self.wanted = {
            "address_id": address.pk,
            "line_id": line.pk,
            "order_id": pending.number,
        }
        parts: dict[str, Any] = {
            "accounts/sessions/{id}": Session.objects.filter(user=ann).latest("created_at").pk,
            "accounts/users/{id}": ann.pk,
            "cart/coupons/{id}": coupon.pk,
            "cart/items/{line_id}": CartLine.objects.get(cart__user=ann).pk,
            "cart/tax-rates/{id}": _latest(TaxRate),
            "catalog/attributes/{id}": Attribute.objects.create(code="depth", name="Depth").pk,
            "catalog/categories/{id}": CategoryFactory().pk,
            "catalog/products/{id}": product,
            "catalog/products/{product}": product,
            "images/{id}": image.pk,
            "reviews/{id}": review.pk,
            "variants/{id}": self.variant.pk,
            "catalog/tax-classes/{id}": tax_class,
            "inventory/locations/{id}": annex.pk,
            "inventory/stock/{sku}": sku,
            "orders/user/{user_id}": ann.pk,
            "orders/{name}": paid.number,
            "returns/{return_id}": asked_back,
            "payments/{id}": Payment.objects.get(reference=paid.number).pk,
            "shipping/addresses/{id}": address.pk,
            "shipping/methods/{id}": method.pk,
            "shipping/shipments/{id}": Shipment.objects.get(reference=packed.number).pk,
            "shipping/track/{tracking_number}": Shipment.objects.get(
                reference=packed.number
            ).tracking_number,
            "shipping/zones/{id}": zone.pk,
            # An operation that the usual thing does not allow gets another.
            "orders_delete": {"name": pending.number},
            "orders_returns_list": {"name": delivered.number},
            "orders_returns_create": {"name": delivered.number},
            "orders_returns_read": {"name": delivered.number},
            "orders_returns_partial_update": {"name": delivered.number},
            "payments_capture": {"id": Payment.objects.get(reference=authorised.number).pk},
            "payments_void": {"id": Payment.objects.get(reference=authorised.number).pk},
            "catalog_reviews_create": {"product": unreviewed.product_id},
            "catalog_variants_create": {"product": sized["id"]},
            "catalog_variants_delete": {
                "product": sized["id"],
                "id": sized["variants"][0]["id"],
            },
        }
        registered = {
            "username": "newcomer",
            "email": "newcomer@example.com",
            "password": PASSWORD,
            "re_password": PASSWORD,
        }
        rate = {"country": "us", "region": "ny", "rate": "8", "name": "Tax", "tax_class": tax_class}
        bodies: dict[str, Any] = {
            "accounts_change_password": {"old_password": PASSWORD, "new_password": NEW_PASSWORD},
            "accounts_register": registered,
            "accounts_users_create": registered,
            "accounts_two_factor_begin": {"current_password": PASSWORD},
            "accounts_user_delete": {"current_password": PASSWORD},
            "accounts_users_delete": {"current_password": PASSWORD},
            "accounts_users_update": {"first_name": "Ann"},
            "accounts_users_partial_update": {"first_name": "Ann"},
            "auth_users_create": registered,
            "auth_users_me_update": {},
            "auth_users_me_partial_update": {},
            "auth_users_me_delete": {"current_password": PASSWORD},
            "auth_users_set_password": {
                "current_password": PASSWORD,
                "new_password": NEW_PASSWORD,
            },
            "cart_apply_coupon": {"code": "FRESH"},
            "cart_choose_shipping": {"address_id": address.pk},
            "cart_coupons_create": {"code": "spring", "kind": "percent", "percent": "12.5"},
            "cart_coupons_partial_update": {"usage_limit": 5},
            "cart_set_item": {"variant_id": self.variant.pk, "quantity": 2},
            "cart_tax_rates_create": rate,
            "cart_tax_rates_update": rate,
            "catalog_attributes_create": {"code": "height", "name": "Height"},
            "catalog_attributes_update": {"code": "depth", "name": "Depth"},
            "catalog_tax_classes_update": {"code": "spare", "name": "Spare"},
            "catalog_categories_create": {"name": "Lighting"},
            "catalog_categories_update": {"name": "Lighting"},
            "catalog_images_create": {"url": "https://images.example.com/lamp.png"},
            "catalog_products_create": {"name": "Small", "price": "3.50", "stock": 1},
            "catalog_products_update": {"name": "Big Lamp", "price": "3.50", "stock": 8},
            "catalog_variants_create": {"price": "1.00", "options": {"Size": "XL"}},
            "inventory_adjustments_create": {"sku": sku, "delta": 5, "reason": "count"},
            "inventory_transfers_create": {
                "sku": sku,
                "source": "main",
                "target": "side",
                "quantity": 1,
            },
            "orders_partial_update": {"status": "processing"},
            "orders_update": {"status": "processing"},
            "orders_place": {"items": [{"variant_id": self.variant.pk, "quantity": 1}]},
            "orders_returns_create": {"lines": [{"line_id": line.pk, "quantity": 1}]},
            "orders_returns_partial_update": {"status": "approved"},
            "payments_offline": {"order_id": pending.number},
            "payments_start": {"order_id": pending.number, "payment_method": "pm_card_visa"},
            "shipping_addresses_partial_update": {"city": "Leeds"},
            "shipping_methods_create": {"name": "Express", "code": "express", "price": "9.99"},
            "shipping_methods_partial_update": {"price": "7.99"},
            "shipping_shipments_create": {"order": paid.number},
            "shipping_zones_create": {"name": "Home", "areas": [{"country": "US"}]},
        }
        self.rows = {
            User: ann.pk,
            Order: paid.pk,
            Payment: parts["payments/{id}"],
            Review: review.pk,
            StockItem: self.variant.stock_item.pk,
        }
        ProviderEvent.objects.filter(event_id="e").delete()  # its payload is no provider's
        ProviderEvent.objects.update(applied_at=None)
        PaymentReview.objects.create(payment_id=parts["payments/{id}"], reason="amount")
        # What the admin site's pages of one thing take.
        self.forms = {
            "move-on": {"status": "processing"},
            "pack": {"carrier": "Post", f"units_{paid.lines.get().pk}": 1},
            "count": {"location": annex.pk, "counted": 7, "reason": "counted"},
            "refund": {"amount": "1.00", "reason": "Broken", "attempt": uuid4()},
            "reviewed": {"note": "Looked at."},
            "approve": {"revision": 1},
            "reject": {"revision": 1, "reason": "Rude."},
            "lost-second-factor": {"proof": "on_video", "case": "C-1", "code": "000000"},
        }
        return parts, bodies

    def request(self, route: Route, caller: Caller) -> Asked:
        """Return a good request of this caller's; what stands in it is the owner's."""
        name = self._names.get((route.method, path_of(route.template)), "")
        is_own = name in _OF_THE_CALLER and caller.is_live
        made = made_for(name, caller.user if is_own else self.ann)
        body = self.bodies.get(name, EXAMPLES.get(name, {}).get("request") or {})
        if name in _DOORS:
            body = {"username": caller.user.username, "password": PASSWORD}
        if made is not None:
            body = made.body
        token = made.token if made and is_own and made.token else caller.token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if "webhooks" in route.template:
            body = self._news(route.template)
            headers |= _signed(json.dumps(body).encode())
        if "reset_password/<" in route.template:
            body = {"password": NEW_PASSWORD, "confirm_password": NEW_PASSWORD}
        path = self._path(route.template, name, made.path if made else {})
        return Asked(path, json.dumps(body), headers)

    def _path(self, template: str, name: str, made: Mapping[str, str]) -> str:
        """Fill in what is there, the operation's own thing first."""
        path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", template).replace("{pk}", "{id}")
        if "reset_password/{" in path:
            path = path.replace("{token}", tokens.join_uid_and_token(made["uidb64"], made["token"]))
        for part, value in {**made, **self.parts.get(name, {})}.items():
            path = path.replace(f"{{{part}}}", str(value))
        published = path_of(template)
        for part, value in self.parts.items():
            if "{" in part and part in published:
                path = path.replace(part[part.index("{") :], str(value), 1)
        return path

    def _news(self, template: str) -> Any:
        """Return an event of a provider's."""
        if "stripe" in template:
            return {"id": "evt_matrix", "type": "customer.created", "data": {"object": {}}}
        return SandboxEvent.objects.filter(kind="payment_intent.succeeded").latest("pk").payload

    def row_of(self, model: type[Model]) -> Any:
        """Return the key of a row whose pages of the admin site are asked for."""
        return self.rows.get(model) or _latest(model)

    def rows_of(self, model: type[Model]) -> list[Any]:
        """Return the keys of the rows that an action of the admin site is sent for."""
        rows = User.objects.filter(is_staff=False) if model is User else model._default_manager
        return list(rows.values_list("pk", flat=True)[:100])


def _latest(model: type[Model]) -> Any:
    return model._default_manager.order_by("-pk").values_list("pk", flat=True)[0]


def _signed(body: bytes) -> dict[str, str]:
    return {
        "Stripe-Signature": signatures.sign(body, secret=STRIPE["STRIPE_WEBHOOK_SECRET"]),
        "Sandbox-Signature": signatures.sign(body, secret=sandbox.webhook_secret()),
    }
