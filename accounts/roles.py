"""Who may do what, as one table: role (a group) to permissions.

``app.*`` stands for all permissions of an app, ``*`` within a codename for any text. The admin
site and the API obey the same table; migrating makes the groups equal to it.
"""

from collections.abc import Mapping, Sequence

CUSTOMER = "customer"

ROLES: Mapping[str, Sequence[str]] = {
    CUSTOMER: (),
    "support": (
        "accounts.view_user",
        "cart.view_coupon*",
        "catalog.view_*",
        "catalog.moderate_review",
        "orders.view_*",
        "orders.add_return",
        "orders.change_return",
        "orders.add_ordernote",
        "orders.cancel_order",
        "payments.view_payment",
        "payments.view_refund",
        "payments.refund_payment_within_limit",
        "shipping.view_shipment*",
    ),
    "warehouse": (
        "inventory.view_*",
        "inventory.add_*",
        "inventory.change_*",
        "catalog.view_*",
        "orders.view_*",
        "orders.receive_return",
        "orders.add_ordernote",
        "orders.fulfil_order",
        "shipping.view_shipment*",
        "shipping.add_shipment",
        "shipping.change_shipment",
    ),
    "manager": (
        "accounts.view_user",
        "cart.*",
        "catalog.*",
        "inventory.*",
        "orders.view_*",
        "orders.change_order",
        "orders.add_return",
        "orders.change_return",
        "orders.receive_return",
        "orders.add_ordernote",
        "orders.cancel_order",
        "orders.fulfil_order",
        "orders.delete_order",
        "payments.view_*",
        "payments.refund_payment",
        "payments.record_offline_payment",
        "payments.capture_payment",
        "shipping.*_zone*",
        "shipping.*_shippingmethod",
        "shipping.*_shippingrate",
        "shipping.view_shipment*",
        "shipping.add_shipment",
        "shipping.change_shipment",
    ),
    "admin": (
        "accounts.*",
        "auth.view_group",
        "cart.*",
        "catalog.*",
        "inventory.*",
        "kernel.view_*",
        "kernel.change_outboxmessage",
        "orders.*",
        "payments.*",
        "shipping.*",
    ),
}
