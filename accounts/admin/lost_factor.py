"""The page on which an administrator takes a lost second factor away."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.http import Http404, HttpRequest, HttpResponse
from unfold.decorators import action

from accounts import selectors, services
from shop_backend.kernel.admin import ShopModelAdmin
from shop_backend.kernel.forms import ThemedForm


class LostFactorForm(ThemedForm, forms.Form):
    """How the person was made sure of, and that it is the administrator who says so."""

    proof = forms.ChoiceField(
        label="How you made sure that it is this person",
        choices=[("", "—"), *services.Proof.choices],
    )
    case = forms.CharField(
        label="Number of the case",
        max_length=40,
        validators=[
            RegexValidator(
                r"\A(?=.*[0-9])[A-Za-z0-9#/._-]+\Z", "Letters, digits and # / . _ -, one a digit."
            )
        ],
        help_text="Where it is written down what you asked and were shown. The audit log keeps the"
        " number for ever, so no names here.",
    )
    code = forms.CharField(
        label="Code of your own second factor",
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )


class TakesLostFactorsAway(ShopModelAdmin):
    """The page of an account that has one; to be put before the other bases."""

    @action(
        description="Take the second factor away",
        url_path="lost-second-factor",
        permissions=["reset_two_factor"],
    )
    def reset_two_factor(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person: Any = self.get_object(request, object_id)
        if person is None or not self.has_change_permission(request, person):
            raise Http404

        def act(answers: dict[str, Any]) -> str:
            actor: Any = request.user
            services.reset_two_factor_as_staff(
                user=person,
                actor=actor,
                evidence=services.Evidence(services.Proof(answers["proof"]), answers["case"]),
                code=answers["code"].replace(" ", ""),
            )
            return f"{person}: the second factor is off, sessions ended."

        return self.form_page(
            request,
            row=person,
            title=f"The lost second factor of {person}",
            form=LostFactorForm,
            submit="Take it away",
            act=act,
        )

    def is_offered(self, request: HttpRequest, row: Any, action: str) -> bool:
        is_theirs = row.pk != request.user.pk and self.has_change_permission(request, row)
        return is_theirs and selectors.get_two_factor_state(row).is_on

    def has_reset_two_factor_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Return whether this role may take somebody's second factor away."""
        return request.user.has_perm("accounts.reset_twofactor")
