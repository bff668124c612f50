"""The shop under attack, as its owner sees it: what may be named, and who asks.

It speaks to the same database as the attacked server. What is attacked is used up (deleted,
cancelled, signed out), so the shelves are filled again and tokens are made anew.
"""

import itertools
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import factory
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts import services as accounts
from accounts import tokens
from accounts.models import Session, User
from accounts.services.sessions import Device
from accounts.tests.factories import StaffFactory, UserFactory
from cart.models import CartLine, Coupon, TaxRate
from cart.tests.factories import CouponFactory
from catalog.models import (
    Attribute,
    Category,
    Product,
    ProductImage,
    Review,
    TaxClass,
    Variant,
)
from catalog.tests.factories import CategoryFactory, VariantFactory
from inventory.models import Location, StockItem
from inventory.tests.factories import LocationFactory
from orders.models import Order, OrderLine, Return
from orders.tests.trade import ask_back, client_of, place, place_and_deliver, place_and_pay
from payments.models import Payment
from shipping.models import Address, Shipment, ShippingMethod, Zone
from shipping.tests.factories import AddressFactory, ShippingMethodFactory, ZoneFactory
from shop_backend.kernel.errors import ShopError

CALLERS = ("anonymous", "customer", "staff")
_TOKEN_SERVES = 200  # seconds of the ten minutes that an access token lives
_POOL_SERVES = 3  # seconds
_SHOPS = itertools.count()  # of this process; each makes names of its own
_MOST = 30  # rows of each kind that are named
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c63f8cfc0f01f0005000201a2e1a2d40000000049454e44ae426082"
)


@dataclass
class Caller:
    """Somebody who asks: nobody, a customer or the staff."""

    kind: str
    _user: User | None = None
    _session: Session | None = None
    _token: str = ""
    _issued_at: float = -1e9
    _looked_at: float = -1e9

    @property
    def user(self) -> User | None:
        """The account, a new one where the last has been closed; ``None``: nobody's."""
        if self.kind == "anonymous":
            return None
        if time.monotonic() - self._looked_at > 1:
            self._looked_at = time.monotonic()
            if not self._still_stands():
                self._sign_up()
        return self._user

    @property
    def token(self) -> str:
        """A good access token; empty for nobody."""
        if self.user is None:
            return ""
        if time.monotonic() - self._issued_at > _TOKEN_SERVES:
            assert self._session is not None
            self._token = tokens.issue_access(self._session, now=timezone.now())
            self._issued_at = time.monotonic()
        return self._token

    def look_again(self) -> None:
        """Do not rely on the account to be still there."""
        self._looked_at = -1e9

    def _still_stands(self) -> bool:
        if self._user is None or self._session is None:
            return False
        whole = User.objects.filter(pk=self._user.pk, is_active=True, two_factor=None)
        if self.kind == "staff":
            whole = whole.filter(groups__name="admin", is_staff=True)
        live = Session.objects.filter(pk=self._session.pk, revoked_at=None)
        return whole.exists() and live.exists()

    def _sign_up(self) -> None:
        made = StaffFactory(role="admin") if self.kind == "staff" else UserFactory()
        self._user = User.objects.get(pk=made.pk)
        AddressFactory(user=made, default_for=made.pk, country="GB", postal_code="M1 1AE")
        accounts.open_session(user=self._user, device=Device(), rotates=False)
        self._session = Session.objects.filter(user=self._user).latest("created_at")
        self._issued_at = -1e9


class Shop:
    """One database's shop."""

    def __init__(self, kind: str, *, seed: int) -> None:
        self.caller = Caller(kind)
        self.random = random.Random(seed)
        self._pools: dict[Any, tuple[float, list[Any]]] = {}
        _count_from(os.getpid() * 100_000 + next(_SHOPS) * 10_000)
        TaxRate.objects.get_or_create(
            tax_class=TaxClass.objects.get(is_default=True),
            country="GB",
            region="",
            defaults={"rate_ppm": 200_000},
        )
        self.stock_up()

    def stock_up(self) -> None:
        """Put one of everything into the shop."""
        self.caller.look_again()
        # factory_boy is untyped here.
        buyer: User = self.caller.user or UserFactory()  # type: ignore[assignment]  # factory_boy is untyped
        if not Address.objects.filter(user=buyer).exists():
            AddressFactory(user=buyer, default_for=buyer.pk, country="GB", postal_code="M1 1AE")
        ShippingMethodFactory(zones=[ZoneFactory(areas=["GB"])])
        LocationFactory()
        Location.objects.filter(is_active=False).update(is_active=True)  # the attack may close all
        self._fill_the_catalogue()
        variant: Variant = VariantFactory(stock=10_000)  # type: ignore[assignment]  # factory_boy is untyped
        delivered = place_and_deliver(buyer, (variant, 2))
        ask_back(delivered, 1)
        review = {"rating": 5, "title": "Good", "text": "As described, and quick."}
        client_of(buyer).post(f"/api/catalog/products/{variant.product_id}/reviews/", review)
        place_and_pay(buyer, (variant, 1))
        place(buyer, (variant, 1))
        client_of(buyer).post("/api/cart/", {"variant_id": variant.pk, "quantity": 1})
        accounts.open_session(user=User.objects.get(pk=buyer.pk), device=Device(), rotates=True)
        self._pools.clear()

    def _fill_the_catalogue(self) -> None:
        category = CategoryFactory()
        made = VariantFactory(stock=100, product__category=category)
        variant = Variant.objects.select_related("product").get(pk=made.pk)
        CouponFactory()
        number = variant.pk
        Attribute.objects.create(code=f"colour-{number}", name="Colour")
        TaxClass.objects.create(code=f"reduced-{number}", name=f"Reduced {number}")
        ProductImage.objects.create(
            product=variant.product,
            address="https://images.example.com/lantern.png",
            alt="A lantern",
        )

    def path_parts(self, template: str) -> dict[str, Any] | None:
        """Return values for the parts of a published path that name something that is there."""
        key = template[: template.rindex("}") + 1].removeprefix("/api/")
        if (found := self._draw(key, _PATHS[key])) is None:
            return None
        return found if isinstance(found, dict) else {key[key.rindex("{") + 1 : -1]: found}

    def look_again(self) -> None:
        """Do not rely on what was there a moment ago."""
        self.caller.look_again()
        self._pools.clear()

    def value(self, name: str) -> Any:
        """Return something that is there for a field of this name; ``None``: no such field."""
        source = _FIELDS.get(name)
        return self._draw(name, source) if source else None

    def _draw(self, key: str, source: "Source") -> Any:
        until, pool = self._pools.get(key, (0.0, []))
        if time.monotonic() > until:
            pool = list(source(self))
            if not pool and self._is_stocked_up():
                pool = list(source(self))
            self._pools[key] = (time.monotonic() + _POOL_SERVES, pool)
        return self.random.choice(pool) if pool else None

    def _is_stocked_up(self) -> bool:
        """Fill the shelves while others empty them; somebody may close the account meanwhile."""
        try:
            self.stock_up()
        except (AssertionError, ShopError, ObjectDoesNotExist, DatabaseError):
            return False
        return True

    def own(self, rows: "QuerySet[Any]", field: str) -> "QuerySet[Any]":
        """Return the caller's rows for a customer, everybody's for the staff and for nobody."""
        user = self.caller.user
        return rows.filter(**{field: user}) if self.caller.kind == "customer" else rows


Source = Callable[[Shop], Any]


def _count_from(start: int) -> None:
    """Let the factories of this process make other names than those of the others."""
    waiting: list[Any] = [factory.Factory]
    while waiting:
        found = waiting.pop()
        waiting += found.__subclasses__()
        if found._meta.model is not None:
            found.reset_sequence(start, force=True)


def _latest(rows: "QuerySet[Any]", name: str = "pk") -> Any:
    return rows.order_by("-pk").values_list(name, flat=True)[:_MOST]


def _all(model: type[Model], name: str = "pk") -> Source:
    return lambda shop: _latest(model._default_manager.all(), name)


def _own(model: type[Model], field: str, name: str = "pk") -> Source:
    return lambda shop: _latest(shop.own(model._default_manager.all(), field), name)


def _of_a_product(model: type[Model]) -> Source:
    return lambda shop: _with_products(model._default_manager.all())


def _with_products(rows: "QuerySet[Any]") -> list[dict[str, Any]]:
    names = rows.order_by("-pk").values_list("product_id", "pk")[:_MOST]
    return [{"product": product, "id": pk} for product, pk in names]


def _reviews(shop: Shop) -> list[dict[str, Any]]:
    return _with_products(shop.own(Review.objects.all(), "author"))


def _returns(shop: Shop) -> list[dict[str, Any]]:
    rows = shop.own(Return.objects.all(), "order__customer").order_by("-pk")
    names = rows.values_list("order__number", "pk")[:_MOST]
    return [{"name": number, "return_id": pk} for number, pk in names]


def _others(shop: Shop) -> Any:
    """Return people; of the staff only customers, so that the caller stays what it is."""
    if shop.caller.kind == "customer":
        return [shop.caller.user.pk]
    return _latest(_customers())


def _customers() -> "QuerySet[User]":
    """Return the customers, of whom there is always one."""
    found = User.objects.filter(is_staff=False, is_active=True).order_by("-pk")
    if not found.exists():
        UserFactory()
    return found


def _reset_links(shop: Shop) -> list[dict[str, str]]:
    return [
        {
            "uidb64": urlsafe_base64_encode(force_bytes(user.pk)),
            "token": default_token_generator.make_token(user),
        }
        for user in _customers()[:1]
    ]


def _products(shop: Shop) -> list[Any]:
    names = Product.objects.order_by("-pk").values_list("pk", "slug")[:_MOST]
    return [value for row in names for value in row]


_PATHS: Mapping[str, Source] = {
    "accounts/password-reset-confirm/{uidb64}/{token}": _reset_links,
    "accounts/sessions/{id}": lambda shop: map(
        str,
        Session.objects.filter(user=shop.caller.user, revoked_at=None).values_list("pk", flat=True)[
            :_MOST
        ],
    ),
    "accounts/users/{id}": _others,
    "cart/coupons/{id}": _all(Coupon),
    "cart/items/{line_id}": lambda shop: _latest(
        CartLine.objects.filter(cart__user=shop.caller.user)
        if shop.caller.user
        else CartLine.objects.all()
    ),
    "cart/tax-rates/{id}": _all(TaxRate),
    "catalog/attributes/{id}": _all(Attribute),
    "catalog/categories/{id}": _all(Category),
    "catalog/products/{id}": _products,
    "catalog/products/{product}": _products,
    "catalog/products/{product}/images/{id}": _of_a_product(ProductImage),
    "catalog/products/{product}/reviews/{id}": _reviews,
    "catalog/products/{product}/variants/{id}": _of_a_product(Variant),
    "catalog/tax-classes/{id}": _all(TaxClass),
    "inventory/locations/{id}": _all(Location),
    "inventory/stock/{sku}": _all(StockItem, "sku"),
    "orders/user/{user_id}": _others,
    "orders/{name}": _own(Order, "customer", "number"),
    "orders/{name}/returns/{return_id}": _returns,
    "payments/{id}": _own(Payment, "customer"),
    "shipping/addresses/{id}": lambda shop: _latest(
        Address.objects.filter(user=shop.caller.user) if shop.caller.user else Address.objects.all()
    ),
    "shipping/methods/{id}": _all(ShippingMethod),
    "shipping/shipments/{id}": _own(Shipment, "customer"),
    "shipping/track/{tracking_number}": lambda shop: _latest(
        Shipment.objects.exclude(tracking_number=""), "tracking_number"
    ),
    "shipping/zones/{id}": _all(Zone),
}
_FIELDS: Mapping[str, Source] = {
    "address_id": _PATHS["shipping/addresses/{id}"],
    "category": _all(Category, "slug"),
    "categories": _all(Category, "slug"),
    "coupon": _all(Coupon, "code"),
    "line_id": lambda shop: _latest(shop.own(OrderLine.objects.all(), "order__customer")),
    "location": _all(Location, "code"),
    "method_id": _all(ShippingMethod),
    "order": _own(Order, "customer", "number"),
    "order_id": _own(Order, "customer", "number"),
    "payment_method": lambda shop: ["pm_card_visa", "pm_card_chargeDeclined"],
    "product": _products,
    "product_id": _all(Product),
    "products": _all(Product),
    "shipping_method_id": _all(ShippingMethod),
    "sku": _all(StockItem, "sku"),
    "source": _all(Location, "code"),
    "target": _all(Location, "code"),
    "tax_class": _all(TaxClass),
    "variant_id": _all(Variant),
    "zones": _all(Zone),
    "country": lambda shop: ["GB"],
    "postal_code": lambda shop: ["M1 1AE"],
    "quantity": lambda shop: [1, 2],
}
