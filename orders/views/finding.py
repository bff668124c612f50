"""The order a path names, as far as this user may see it."""

from orders.errors import OrderNotFound
from orders.models import Order, OrderQuerySet
from shop_backend.kernel.views import ShopViewSet


def visible_order(view: ShopViewSet) -> Order:
    """Return the order of the path.

    :raises OrderNotFound: there is none, or it is not this user's to see.
    """
    return named(Order.objects.visible_to(view.request.user), view.kwargs["name"])


def named(orders: OrderQuerySet, name: str) -> Order:
    """Return the one of these orders with this id or number.

    :raises OrderNotFound: none of them is called so.
    """
    try:
        return orders.named(name).get()
    except Order.DoesNotExist as error:
        raise OrderNotFound from error
