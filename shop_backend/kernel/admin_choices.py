"""Fields of the admin's forms that look rows up as one types."""

from typing import Any

from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest

MAX_KEY = 2**63 - 1


def _is_key(value: Any) -> bool:
    text = str(value)
    return text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MAX_KEY


class _KnownKeys:
    """Shows a refused form again without what is no key; Django looks such texts up and breaks."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        keys = [each for each in value if _is_key(each)]
        return super().optgroups(name, keys, attr)  # type: ignore[misc]  # of the widget


class OneRow(_KnownKeys, AutocompleteSelect):
    """One row of another table."""


class SomeRows(_KnownKeys, AutocompleteSelectMultiple):
    """Rows of another table."""


class KnownRowsField(ModelMultipleChoiceField):
    """Refuses a number that is too large for a key before the database does."""

    def clean(self, value: Any) -> Any:
        for each in value if isinstance(value, (list, tuple)) else ():
            if not _is_key(each):
                raise ValidationError(
                    self.error_messages["invalid_pk_value"],
                    code="invalid_pk_value",
                    params={"pk": str(each)[:50]},
                )
        return super().clean(value)


class LooksRowsUp:
    """Gives ``autocomplete_fields`` these widgets; to be put before an admin class or an inline."""

    admin_site: Any
    get_autocomplete_fields: Any

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **given: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            given.setdefault("widget", OneRow(db_field, self.admin_site, using=given.get("using")))
        return super().formfield_for_foreignkey(db_field, request, **given)  # type: ignore[misc]  # of the admin class

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **given: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            widget = SomeRows(db_field, self.admin_site, using=given.get("using"))
            given.setdefault("widget", widget)
        given.setdefault("form_class", KnownRowsField)
        return super().formfield_for_manytomany(db_field, request, **given)  # type: ignore[misc]  # as above
