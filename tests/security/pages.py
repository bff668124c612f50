"""The admin site under the corpus: its lists' searches, filters, orders, pages, and its forms."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from time import time
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib import admin
from django.test import Client

from accounts.models import User
from tests.chaos.wire import Address, Answer, Request, call
from tests.security import corpus
from tests.security.firing import THREADS, Findings
from tests.security.forms import fire_at_forms
from tests.security.shop import Shop

_MOST_PAGES = 20
_VALUES = (*corpus.TEXTS, *corpus.TIMES, *map(str, corpus.NUMBERS))


def fire_at_admin(
    address: Address, shop: Shop, *, seed: int, most: int | None, of_forms: int, until: float
) -> Findings:
    """Ask for every list of the admin site with hostile parameters, and then without.

    :param most: hostile values of each parameter of a list; ``None``: all of them.
    :param of_forms: hostile values of each field of a form; 0: of some forms' fields one.
    """
    findings, cookie, chance = Findings(), _signed_in(shop), Random(seed)
    with ThreadPoolExecutor(THREADS) as pool:
        for path, parameters in _lists():
            findings.places += len(parameters)
            asked = [
                _with(path, name, value)
                for name in parameters
                for value in (_VALUES if most is None else chance.sample(_VALUES, most))
            ]
            for page, answer in pool.map(lambda page: (page, _ask(address, page, cookie)), asked):
                _judge(findings, page, answer)
            if time() > until:
                findings.failures["time"] = "the corpus was not fired to its end"
                break
            for number in range(1, 2 if most == 0 else _MOST_PAGES):
                page = f"{path}?p={number}"
                answer = _ask(address, page, cookie)
                _judge(findings, page, answer)
                if answer.status != 200:
                    break
    fire_at_forms(address, findings, cookie, chance=chance, most=of_forms, until=until)
    return findings


def _with(path: str, name: str, value: str) -> str:
    """Return the address of a list, or of one thing's page, with a hostile value."""
    raw = value.encode("utf-8", "surrogatepass")
    if name == "pk":
        return f"{path}{quote(raw[:3_000], safe='')}/change/"
    return f"{path}?{urlencode({name: raw})}"


def _ask(address: Address, page: str, cookie: str) -> Answer:
    return call(address, Request("GET", page, headers={"Cookie": cookie}))


def _judge(findings: Findings, page: str, answer: Answer) -> None:
    findings.calls += 1
    findings.statuses[answer.status] += 1
    if answer.status >= 500 or answer.status in {0, 401, 403}:
        findings.failures.setdefault(f"{page[:200]}: {answer.status}", repr(answer.body[:500]))


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
