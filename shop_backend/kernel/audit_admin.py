"""The admin site's seam of the audit log: every form, page and action that is posted."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse

from shop_backend.kernel import audit

GetResponse = Callable[[HttpRequest], HttpResponse]
_MOST_ROWS = 100  # of one action; the names of the others are Django's own admin log to tell


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
        action = request.POST.get("action", "")
        if action:
            pks = request.POST.getlist("_selected_action")[:_MOST_ROWS]
        write = audit.begin(
            request,
            action=f"admin {match.url_name} {action}".strip(),
            object_kind=model._meta.label_lower if model else "",
            object_id=pks[0] if len(pks) == 1 else "",
        )
        if model is not None:
            audit.note_before(write, _rows(model, pks))
        request.audited_write = write  # type: ignore[attr-defined]


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
    except (ValueError, ValidationError):  # made-up keys
        return []
