"""The admin site under the corpus: its lists' searches, filters, orders, pages, and its forms."""

from collections.abc import Iterator
from random import Random
from time import time
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib import admin
from django.test import Client

from accounts.models import User
from tests.chaos.wire import Address, Request, call
from tests.security import corpus
from tests.security.firing import Findings
from tests.security.forms import fire_at_forms
from tests.security.shop import Shop

_MOST_PAGES = 20
_FORMS = 12  # hostile values of each field of a form


def fire_at_admin(
    address: Address, shop: Shop, *, seed: int, most: int | None, until: float
) -> Findings:
    """Ask for every list of the admin site with hostile parameters, and then without.

    :param most: hostile values of each parameter; ``None``: all of them.
    """
    findings, cookie, chance = Findings(), _signed_in(shop), Random(seed)
    for path, parameters in _lists():
        for name in parameters:
            values = [*corpus.TEXTS, *corpus.TIMES, *map(str, corpus.NUMBERS)]
            for value in values if most is None else chance.sample(values, most):
                raw = value.encode("utf-8", "surrogatepass")
                if name == "pk":
                    _ask(address, findings, f"{path}{quote(raw[:3_000], safe='')}/change/", cookie)
                else:
                    _ask(address, findings, f"{path}?{urlencode({name: raw})}", cookie)
        if time() > until:
            findings.failures["time"] = "the corpus was not fired to its end"
            break
        for number in range(1, 2 if most == 0 else _MOST_PAGES):
            if _ask(address, findings, f"{path}?p={number}", cookie) != 200:
                break
    fire_at_forms(
        address,
        findings,
        cookie,
        chance=chance,
        most=_FORMS if most is None else most,
        until=until,
    )
    return findings


def _ask(address: Address, findings: Findings, path: str, cookie: str) -> int:
    answer = call(address, Request("GET", path, headers={"Cookie": cookie}))
    findings.calls += 1
    findings.statuses[answer.status] += 1
    if answer.status >= 500 or answer.status in {0, 401, 403}:
        findings.failures.setdefault(f"{path[:200]}: {answer.status}", repr(answer.body[:500]))
    return answer.status


def _lists() -> Iterator[tuple[str, list[str]]]:
    for model, shown in admin.site._registry.items():
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        filters = [each for each in shown.list_filter if isinstance(each, str)]
        names = ["q", "o", "p", "e", "all", "pk", "unknown", "_changelist_filters"]
        yield path, [*names, *filters, *(f"{name}__exact" for name in filters)]


def _signed_in(shop: Shop) -> str:
    """Return the cookie of a superuser's session."""
    assert shop.caller.user is not None
    User.objects.filter(pk=shop.caller.user.pk).update(is_superuser=True)
    browser = Client()
    browser.force_login(User.objects.get(pk=shop.caller.user.pk))
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={browser.cookies[name].value}"
