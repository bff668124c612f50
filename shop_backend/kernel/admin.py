"""The bases of every admin class: Django's own, with the theme's look."""

from collections.abc import Callable, Collection, Mapping
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import BadRequest, ValidationError
from django.db import DataError
from django.db.models import Model, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import smart_split
from unfold.admin import ModelAdmin, StackedInline, TabularInline

from shop_backend.kernel import admin_columns, audit_admin, outbox
from shop_backend.kernel.admin_choices import LooksRowsUp
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.forms import form_error, tell_when_to_come_back
from shop_backend.kernel.formsets import SentRowsFormSet
from shop_backend.kernel.models import AuditEntry, IdempotencyKey, OutboxMessage, RecordedEvent

_MOST_CONFIRMED = 200  # rows that a person can look through
# Each word looks through each of the searched columns of every row.
_MOST_WORDS, _MOST_LETTERS = 8, 200
# What filters and links ask by: no expression of the caller's is run.
_COMPARISONS = {"exact", "in", "isnull", "isempty", "gt", "gte", "lt", "lte"}
# What the ORM and the driver say of a value that no column can have, where Django lets it pass.
_WACKY = (DisallowedModelAdminLookup, ValueError, ArithmeticError, ValidationError, DataError)


class ShopModelAdmin(LooksRowsUp, ModelAdmin):
    """What every list and form of the shop has in common.

    What is asked of it by hand is bounded here: columns that are not shown cannot be asked for,
    and what makes no sense is refused as Django refuses it.
    """

    list_per_page = 50
    reading_actions: Collection[str] = ()
    # What is posted with an action that asks before it does anything, once it is answered.
    answers: Mapping[str, str] = {"delete_selected": "post"}
    list_filter_submit = False
    compressed_fields = True
    warn_unsaved_form = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return admin_columns.with_names(super().get_queryset(request))

    def get_ordering(self, request: HttpRequest) -> Any:
        return super().get_ordering(request) or ["-pk"]  # rows are looked up page by page, too

    def get_list_display(self, request: HttpRequest) -> Any:
        return admin_columns.spoken(super().get_list_display(request), self.model)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Have the audit log told of the rows that an action gets, however they were chosen."""
        found = super().get_actions(request)
        return {
            name: (act if self._only_shows(request, name) else _noted(act), name, description)
            for name, (act, _, description) in found.items()
        }

    def _only_shows(self, request: HttpRequest, action: str) -> bool:
        """Return whether the action reads, or is a question that is not answered yet."""
        answer = self.answers.get(action)
        return action in self.reading_actions or (answer is not None and answer not in request.POST)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Return whether a list may be asked by this: what it shows, its filters, its keys.

        Django lets any column of the table be asked for, so that one which is never shown could
        be read letter by letter.
        """
        column, _, comparison = lookup.rpartition(LOOKUP_SEP)
        if comparison not in _COMPARISONS:
            column = lookup
        told = {"pk", self.opts.pk.name, self.date_hierarchy, *self.list_display}
        for each in self.list_filter:
            name = each[0] if isinstance(each, (list, tuple)) else each
            told.add(getattr(name, "parameter_name", name))
        told |= {f"{self.date_hierarchy}{LOOKUP_SEP}{part}" for part in ("year", "month", "day")}
        return column.removesuffix(f"{LOOKUP_SEP}id") in told

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Return whether rows are referred to by this column.

        :raises BadRequest: they are not. Django's own refusal writes what was sent into the log.
        """
        if not super().to_field_allowed(request, to_field):
            raise BadRequest("No row is referred to by such a column.")
        return True

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list.

        :raises IncorrectLookupParameters: the address asks for what cannot be asked.
        """
        try:
            return super().get_changelist_instance(request)
        except _WACKY as refusal:
            if set(request.GET) <= {ERROR_FLAG}:
                raise  # nothing was asked for: it is ours
            raise IncorrectLookupParameters(refusal) from refusal

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by the first words; those beyond would only leave out more."""
        words = list(smart_split(search_term[:_MOST_LETTERS]))[:_MOST_WORDS]
        return super().get_search_results(request, queryset, " ".join(words))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {}  # a form begins as it is, not as a link that somebody made wants it to

    def response_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Do what was chosen.

        :raises BadRequest: what is selected can be no row's key.
        """
        key: Any = self.opts.pk
        while key.remote_field:
            key = key.target_field
        for selected in request.POST.getlist(ACTION_CHECKBOX_NAME):
            try:
                key.clean(selected.replace("\x00", "\ufffd"), None)
            except ValidationError as refusal:
                raise BadRequest("A selected row has no such key.") from refusal
        return super().response_action(request, *args, **kwargs)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        found = super().get_actions_detail(request, object_id)
        row = self.get_object(request, str(object_id)) if found else None
        if row is None:
            return found
        start = f"{self.opts.app_label}_{self.opts.model_name}_"
        return [
            each
            for each in found
            if self.is_offered(request, row, each.action_name.removeprefix(start))
        ]

    def is_offered(self, request: HttpRequest, row: Any, action: str) -> bool:
        """Return whether the row's state allows this action of its page; its page still says no."""
        return True

    def confirm_page(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        *,
        action: str,
        title: str,
        submit: str,
        describe: Callable[[Any], str],
    ) -> HttpResponse | None:
        """Ask before an action on many rows; the answer sends the action again, ``confirmed``.

        :param describe: what stands for a row on the page.
        """
        found = list(rows.order_by("pk")[: _MOST_CONFIRMED + 1])
        if len(found) > _MOST_CONFIRMED:
            most = f"Choose at most {_MOST_CONFIRMED} at a time."
            self.message_user(request, most, level=messages.ERROR)
            return None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "rows": [(row.pk, describe(row)) for row in found],
            "action": action,
            "label": submit,
            "back": request.get_full_path(),
        }
        return TemplateResponse(request, "admin_pages/confirm.html", context)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Name what was made to the audit log, too."""
        audit_admin.note_made(request, obj)
        return super().log_addition(request, obj, message)

    def form_page(
        self,
        request: HttpRequest,
        *,
        row: Model,
        title: str,
        form: Callable[[Any], Form],
        submit: str,
        act: Callable[[dict[str, Any]], str],
    ) -> HttpResponse:
        """Ask for what an act on one row needs, and do it when it is sent.

        :param form: makes the form from what was sent, ``None`` at first.
        :param act: calls the service and returns what to say; its refusal stands on the form.
        """
        filled = form(request.POST if request.method == "POST" else None)
        if request.method == "POST" and filled.is_valid():
            try:
                done = act(filled.cleaned_data)
            except ShopError as refusal:
                filled.add_error(None, form_error(refusal))
            else:
                self.message_user(request, done)
                return HttpResponseRedirect(self._page_of(row))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "original": row,
            "title": title,
            "form": filled,
            "label": submit,
            "back": self._page_of(row),
        }
        return tell_when_to_come_back(TemplateResponse(request, "admin_pages/form.html", context))

    def _page_of(self, row: Model) -> str:
        meta = row._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])


def _noted(act: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(act)
    def noted(model_admin: Any, request: HttpRequest, rows: QuerySet[Any]) -> Any:
        audit_admin.note_acted_on(request, rows)
        return act(model_admin, request, rows)

    return noted


class ShopTabularInline(LooksRowsUp, TabularInline):
    """Rows of another table within a form, a line each."""

    extra = 0
    formset = SentRowsFormSet
    hide_title = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return admin_columns.with_names(super().get_queryset(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        told = set(super().get_readonly_fields(request, obj))
        names = super().get_fields(request, obj)
        return [
            admin_columns.spoken([name], self.model)[0] if name in told else name for name in names
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return admin_columns.spoken(super().get_readonly_fields(request, obj), self.model)


class ShopStackedInline(LooksRowsUp, StackedInline):
    """Rows of another table within a form, a block each."""

    extra = 0
    formset = SentRowsFormSet


class ReadOnlyAdmin(ShopModelAdmin):
    """History and counters: looked at here, changed by the services alone."""

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return admin_columns.spoken(super().get_fields(request, obj), self.model)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """What staff changed; nobody changes it here or elsewhere."""

    list_display = ["at", "actor", "action", "object_kind", "object_id", "phase", "status"]
    list_filter = ["phase", "object_kind", "at"]
    list_select_related = ["actor"]
    search_fields = ["object_id", "action", "request_id", "actor__username"]
    date_hierarchy = "at"


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ["operation", "key", "user", "status", "created_at"]
    list_filter = ["operation"]
    list_select_related = ["user"]
    search_fields = ["key"]
    exclude = ["payload"]


class StateFilter(admin.SimpleListFilter):
    """How far a message got."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("waiting", "Waiting"), ("sent", "Delivered"), ("dead", "Given up")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[OutboxMessage]
    ) -> QuerySet[OutboxMessage]:
        if self.value() == "dead":
            return queryset.exclude(dead_at=None)
        if self.value() == "sent":
            return queryset.exclude(sent_at=None)
        if self.value() == "waiting":
            return queryset.filter(sent_at=None, dead_at=None)
        return queryset


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    list_display = ["kind", "created_at", "attempts", "sent_at", "dead_at", "last_error"]
    list_filter = [StateFilter, "kind", "created_at"]
    search_fields = ["kind", "last_error"]
    date_hierarchy = "created_at"
    actions = ["send_again"]

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("kernel.change_outboxmessage")

    @admin.action(description="Send again", permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        count = outbox.send_again(queryset.values_list("pk", flat=True))
        self.message_user(request, f"{count} messages are due again.")


@admin.register(RecordedEvent)
class RecordedEventAdmin(ReadOnlyAdmin):
    list_display = ["kind", "subject_id", "occurred_at"]
    list_filter = ["kind", "occurred_at"]
    search_fields = ["subject_id"]
