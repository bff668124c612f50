"""Rows within a form of the admin site."""

from functools import cached_property

from django.forms.models import BaseInlineFormSet


class SentRowsFormSet(BaseInlineFormSet):
    """As many rows as were sent.

    Django makes as many as the form says that there are, up to two thousand: one that said so and
    sent none of them kept a worker busy for more than a minute.
    """

    def total_form_count(self) -> int:
        told = super().total_form_count()
        return min(told, self._sent) if self.is_bound else told

    @cached_property
    def _sent(self) -> int:
        start = f"{self.prefix}-"
        names = (name.removeprefix(start) for name in self.data if name.startswith(start))
        return len(
            {number for number in (name.partition("-")[0] for name in names) if number.isdecimal()}
        )
