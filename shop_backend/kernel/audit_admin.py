"""The admin site's seam of the audit log: every form, page and action that is posted."""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import DataError, models
from django.forms.models import _get_foreign_key
from django.http import HttpRequest, HttpResponse

from shop_backend.kernel import audit

GetResponse = Callable[[HttpRequest], HttpResponse]


class AdminAuditMiddleware:
    """Record what is posted below ``/admin/`` by staff."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        write: audit.Write | None = getattr(request, "audited_write", None)
        if write is not None:
            audit.finish(write, status=response.status_code)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        match = request.resolver_match
        if match is None or not request.path_info.startswith("/admin/"):
            return
        if not audit.is_audited(request):
            return
        model = _model_of(match.url_name or "")
        pks = [str(value) for value in list(kwargs.values())[:1]] if model else []
        is_list = (match.url_name or "").endswith("_changelist")
        # A list has two places for its action, and the browser says which one was meant.
        action = " ".join(filter(None, request.POST.getlist("action"))) if is_list else ""
        write = audit.begin(
            request,
            action=f"admin {match.url_name} {action}".strip(),
            object_kind=model._meta.label_lower if model else "",
            object_id=pks[0] if len(pks) == 1 else "",
        )
        request.audited_write = write  # type: ignore[attr-defined]  # a note of our own on it
        if model is None or is_list:  # the rows of an action are known when it is called
            return
        found = _rows(model, pks)
        audit.note_before(write, found if pks else [model()])
        # The page of one object, whose form may hold rows of other tables.
        for rows in (rows for row in found for rows in _within_form(request, row)):
            audit.note_children(write, rows)


def note_acted_on(request: HttpRequest, rows: "models.QuerySet[Any]") -> None:
    """Remember the rows that an action of a list is about to get: all of them."""
    write: audit.Write | None = getattr(request, "audited_write", None)
    if write is not None:
        audit.note_all_before(write, rows)


def note_made(request: HttpRequest, row: models.Model) -> None:
    """Remember what a form of the admin site has made, with the rows within that form."""
    write: audit.Write | None = getattr(request, "audited_write", None)
    if write is not None:
        audit.note_made(write, row, _within_form(request, row))


def _within_form(
    request: HttpRequest, row: models.Model
) -> "Iterator[models.QuerySet[models.Model]]":
    """Return the rows of other tables that the form of this one lets the caller write."""
    shown = admin.site._registry.get(type(row))
    for inline in shown.get_inline_instances(request, row) if shown else ():
        may = (
            inline.has_add_permission(request, row),
            inline.has_change_permission(request, row),
            inline.has_delete_permission(request, row),
        )
        if any(may):
            key = _get_foreign_key(type(row), inline.model, fk_name=inline.fk_name)
            yield inline.model._base_manager.filter(**{key.name: row.pk})


def _model_of(url_name: str) -> type[models.Model] | None:
    for model in admin.site._registry:
        if url_name.startswith(f"{model._meta.app_label}_{model._meta.model_name}_"):
            return model
    if url_name == "auth_user_password_change":  # Django names this page after its own model
        return get_user_model()
    return None


def _rows(model: type[models.Model], pks: list[str]) -> list[models.Model]:
    try:
        return list(model._base_manager.filter(pk__in=pks))
    except (ValueError, OverflowError, ValidationError, DataError):  # made-up keys
        return []
