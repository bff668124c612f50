"""The API's seam of the audit log: called by every view, once each before and after."""

from typing import Any

from django.db import models
from django.http import Http404
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from shop_backend.kernel import audit, idempotency
from shop_backend.kernel.errors import ShopError


def begin(request: Request, view: Any) -> None:
    """Write the attempt down, if this is a write by staff that its role allows."""
    if not audit.is_audited(request._request):
        return
    match = request.resolver_match
    route = match.route.removeprefix("api/") if match else ""
    model = _model_of(view)
    view.audited_write = audit.begin(
        request._request,
        action=f"{request.method} {route}",
        object_kind=model._meta.label_lower if model else "",
        object_id="/".join(map(str, view.kwargs.values())),
    )
    _note_what_is_found(view, view.audited_write)


def _note_what_is_found(view: Any, write: audit.Write) -> None:
    """Have the view's object remembered when it is looked for, so as it is before."""
    find = getattr(view, "get_object", None)
    if find is None:
        return

    def find_and_note() -> Any:
        found = find()
        if isinstance(found, models.Model):
            audit.note_before(write, [found])
        return found

    view.get_object = find_and_note


def note_before(view: Any, row: models.Model) -> None:
    """Remember how a row is that the view is about to change without ``get_object``.

    One that is not saved yet stands for what is about to be made: what is around it is remembered.
    """
    write = getattr(view, "audited_write", None)
    if write is not None:
        audit.note_before(write, [row])


def finish(view: Any, response: Response) -> None:
    """Write the outcome down."""
    write = getattr(view, "audited_write", None)
    if write is None:
        return
    view.audited_write = None
    audit.finish(write, status=response.status_code, created=_created(view, response))


def _created(view: Any, response: Response) -> tuple[type[models.Model], Any] | None:
    """Return model and key of what a 201 tells of, where that is a row of the view's model.

    It is where the view's own ``create`` has answered; another action's may be any row. A replayed
    answer made nothing.
    """
    data = getattr(response, "data", None)
    if response.status_code != 201 or not isinstance(data, dict):
        return None
    is_own = getattr(view, "action", None) == "create"
    if not is_own or idempotency.REPLAYED_HEADER in response.headers:
        return None
    model, pk = _model_of(view), data.get("id")
    return (model, pk) if model and isinstance(pk, int) else None


def _model_of(view: Any) -> type[models.Model] | None:
    if not isinstance(view, GenericAPIView) or not hasattr(view, "get_queryset"):
        return None
    try:
        model: type[models.Model] = view.get_queryset().model
    except (AssertionError, ShopError, Http404):  # has none; or what it hangs on is not there
        return None
    return model
