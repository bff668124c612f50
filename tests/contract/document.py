"""The published document, asked by what a request was routed to."""

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.contract.dialect import Dialect

PUBLISHED = Path(settings.BASE_DIR) / "docs" / "api" / "swagger.json"
METHODS = {"get", "post", "put", "patch", "delete"}
PREFIX = "/api/"

# The other names of API.md, and the published path that each of them is.
OTHER_NAMES = {
    "register/": "accounts/register/",
    "userinfo/": "accounts/user/",
    "userinfo/edit/": "accounts/user/",
    "forgot_password/": "accounts/request-reset-email/",
    "reset_password/{token}/": "accounts/password-reset-confirm/{uidb64}/{token}/",
    "products/": "catalog/products/",
    "products/add/": "catalog/products/",
    "products/edit/{id}/": "catalog/products/{id}/",
    "products/delete/{id}/": "catalog/products/{id}/",
    "products/{id}/": "catalog/products/{id}/",
    "orders/new/": "orders/",
    "orders/edit/{name}/": "orders/{name}/",
    "orders/delete/{name}/": "orders/{name}/",
    "payment/": "payments/",
    "users/": "accounts/users/",
    "users/{id}/": "accounts/users/{id}/",
}
# Routes that are no part of the published API: pages, files, probes, and the sandbox's own.
UNPUBLISHED = (
    "admin/",
    "media/",
    "health/",
    "favicon.ico",
    "swagger",
    "redoc/",
    "payments/webhooks/sandbox/",
)


@dataclass(frozen=True)
class Operation:
    """One method of one published path."""

    name: str
    method: str
    path: str
    published: dict[str, Any] = field(repr=False, compare=False)

    @property
    def responses(self) -> dict[str, Any]:
        """The published responses by status, as text."""
        return self.published["responses"]

    @property
    def body_schema(self) -> dict[str, Any] | None:
        """The schema of the JSON that it takes, if it takes any."""
        bodies = [part["schema"] for part in self.published["parameters"] if part["in"] == "body"]
        return bodies[0] if bodies else None


class Document:
    """A Swagger 2.0 document."""

    def __init__(self, text: dict[str, Any]) -> None:
        self.text = text
        self.dialect = Dialect(text.get("definitions", {}))

    @cached_property
    def operations(self) -> dict[tuple[str, str], Operation]:
        """Every operation by its method and path."""
        return {
            (method, path): Operation(published["operationId"], method, path, published)
            for path, methods in self.text["paths"].items()
            for method, published in methods.items()
            if method in METHODS
        }

    @cached_property
    def by_name(self) -> dict[str, Operation]:
        """Every operation by its operation id."""
        return {operation.name: operation for operation in self.operations.values()}

    @cached_property
    def paths(self) -> set[str]:
        """Every published path."""
        return set(self.text["paths"])


def published() -> Document:
    """Return the committed document; another test keeps it true."""
    return Document(json.loads(PUBLISHED.read_text()))


def path_of(route: str) -> str:
    """Return a route of the URL configuration as Swagger writes it, on the ``/api`` face."""
    path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route).removeprefix(PREFIX[1:])
    path = path.replace("{pk}", "{id}")
    return PREFIX + OTHER_NAMES.get(path, path)


def is_published(route: str) -> bool:
    """Tell whether a route should stand in the document."""
    path = route.removeprefix(PREFIX[1:])
    return path != "" and not path.startswith(UNPUBLISHED)
