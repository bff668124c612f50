"""The admin's page on which the shop is held against what must never be false."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods

from shop_backend import invariants
from shop_backend.invariants import Finding

PERMISSION = "kernel.view_invariants"


@dataclass(frozen=True)
class Offender:
    """A row that breaks an invariant, and the page where it is looked at, if there is one."""

    name: str
    link: str


@dataclass(frozen=True)
class Line:
    """One sentence and what the look at it brought up; no finding before the first look."""

    code: str
    sentence: str
    finding: Finding | None = None
    offenders: Sequence[Offender] = ()
    more: int = 0


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    """Name the sentences; look at them when the button is pressed. Nothing is changed."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    if request.method == "POST":
        findings = [each.check(seconds=invariants.SECONDS_ONLINE) for each in invariants.ALL]
        lines = [_line(finding) for finding in findings]
    else:
        findings = []
        lines = [Line(each.code, each.sentence) for each in invariants.ALL]
    context = {
        **admin.site.each_context(request),
        "title": "What must never be false",
        "lines": lines,
        "has_looked": bool(findings),
        "broken": sum(not finding.is_kept for finding in findings),
        "seconds": sum(finding.seconds for finding in findings),
    }
    return TemplateResponse(request, "dashboard/invariants.html", context)


def _line(finding: Finding) -> Line:
    offenders = [
        Offender(name, _page_of(finding.model, pk))
        for name, pk in zip(finding.names, finding.pks, strict=True)
    ]
    return Line(
        finding.invariant.code,
        finding.invariant.sentence,
        finding,
        offenders,
        (finding.count or 0) - len(offenders) if finding.count else 0,
    )


def _page_of(model: type[Model], pk: int) -> str:
    meta = model._meta
    try:
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[pk])
    except NoReverseMatch:  # a row that is shown on another's page
        return ""
