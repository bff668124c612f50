"""Every route of the shop, read from the URL configuration, so that none is forgotten."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

# What stands in for a path part in a request for something that is not there.
_SAMPLES = {
    "bigid": "999999999",
    "int": "999999999",
    "str": "nothing-here",
    "slug": "nothing-here",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "path": "nothing-here",
}


@dataclass(frozen=True)
class Route:
    """One method of one address."""

    method: str
    template: str
    view: Any
    action: str

    @property
    def path(self) -> str:
        """The address with samples in the place of its parts."""
        text = re.sub(r"<(?:(\w+):)?\w+>", lambda m: _SAMPLES[m[1] or "str"], self.template)
        return "/" + text

    @property
    def access(self) -> Any:
        """Who may do it, as the view declares."""
        return self.view.access[self.action]


def api_routes() -> list[Route]:
    """Return every method of every address of the API, on both faces."""
    return [route for route in _walk(get_resolver().url_patterns, "") if route.view is not None]


def other_addresses() -> set[str]:
    """Return every address outside the admin whose view does not say who may do what."""
    return {
        route.template
        for route in _walk(get_resolver().url_patterns, "", of_all=True)
        if route.view is None
    }


def pages() -> list[str]:
    """Return every address outside the API, those of the admin site among them."""
    found: list[str] = []
    for route in _walk(get_resolver().url_patterns, "", of_all=True, of_admin=True):
        if route.view is None:
            before, choice, after = route.template.partition("^(?P<app_label>")
            labels = after.removesuffix(")/$").split("|")
            found += [f"{before}{label}/" for label in labels] if choice else [before]
    return [re.sub(r"\(\?P(<\w+>)\.\*\)\$", r"\1", template) for template in found]


def _walk(
    patterns: Any, prefix: str, *, of_all: bool = False, of_admin: bool = False
) -> Iterator[Route]:
    for pattern in patterns:
        template = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if of_admin or not template.startswith("admin/"):
                yield from _walk(pattern.url_patterns, template, of_all=of_all, of_admin=of_admin)
        elif isinstance(pattern, URLPattern):
            found = list(_routes_of(pattern.callback, template))
            yield from found
            if of_all and not found:
                yield Route("", template, None, "")


def _routes_of(callback: Any, template: str) -> Iterator[Route]:
    view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    if not hasattr(view, "access"):
        return
    actions = getattr(callback, "actions", None)
    if actions is None:
        actions = {name: name for name in view.http_method_names if hasattr(view, name)}
    for method, action in actions.items():
        if method not in {"head", "options"}:
            yield Route(method, template, view, action)
