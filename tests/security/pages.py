"""The admin site under the corpus: what its addresses ask, what is chosen on lists, its forms.

Fired at are the searches, filters, orders and pages of every list, also by lookups that no page
links to, the values that an address gives to a form, the keys and names of actions, and cookies.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from time import time
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib import admin
from django.test import Client

from accounts.models import User
from accounts.tests.factories import StaffFactory
from tests.chaos.wire import Address, Answer, Request, call
from tests.security import corpus
from tests.security.firing import THREADS, Findings
from tests.security.forms import fire_at_forms
from tests.security.shop import Shop

_MOST_PAGES = 20
_ONE_IN = 12  # parameters is asked for in the short form
_YEARS = ("0", "9999", "999999999")
_VALUES = (*corpus.TEXTS, *corpus.TIMES, *map(str, corpus.NUMBERS), *_YEARS, corpus.LONG_SEARCH)
_COOKIES = ("sessionid", "csrftoken", "messages", "django_language")
_TOKEN = "a" * 32  # a browser makes one up as well as the shop
_SENT = "application/x-www-form-urlencoded"


def fire_at_admin(
    address: Address, shop: Shop, *, seed: int, most: int | None, of_forms: int, until: float
) -> Findings:
    """Ask for every list of the admin site with hostile parameters, and then without.

    :param most: hostile values of each parameter; 0: of some parameters one; ``None``: all.
    :param of_forms: hostile values of each field of a form; 0: of some forms' fields one.
    """
    findings, chance = Findings(), Random(seed)
    cookie, of_support = _signed_in(shop), _cookie_of(StaffFactory(role="support"))
    with ThreadPoolExecutor(THREADS) as pool:
        for path, parameters in _places(address, cookie):
            findings.places += len(parameters)
            asked = [
                request
                for name in parameters
                for value in _chosen(chance, most)
                for request in _requests(path, name, value, cookie, of_support)
            ]
            for request, answer in pool.map(lambda one: (one, call(address, one)), asked):
                _judge(findings, request, answer, may_be_refused=of_support in str(request.headers))
            if time() > until:
                findings.failures["time"] = "the corpus was not fired to its end"
                break
            if "q" not in parameters:
                continue
            for number in range(1, 2 if most == 0 else _MOST_PAGES):
                request = _get(f"{path}?p={number}", cookie)
                answer = call(address, request)
                _judge(findings, request, answer)
                if answer.status != 200:
                    break
    fire_at_forms(address, findings, cookie, chance=chance, most=of_forms, until=until)
    return findings


def _chosen(chance: Random, most: int | None) -> Sequence[str]:
    if most is None:
        return _VALUES
    if most == 0:
        return chance.sample(_VALUES, 1) if chance.randrange(_ONE_IN) == 0 else ()
    return chance.sample(_VALUES, most)


def _requests(path: str, name: str, value: str, cookie: str, of_support: str) -> Iterator[Request]:
    """Yield what puts a hostile value into this place, as the boss and as support."""
    raw = value.encode("utf-8", "surrogatepass")
    if name.startswith("cookie "):
        made_up = f"{name.removeprefix('cookie ')}={_as_cookie(raw)}"
        yield _get(path, made_up)
        yield _get(path, f"{cookie}; {made_up}" if "sessionid" not in made_up else made_up)
        return
    if name.startswith("post "):
        sent = {
            "action": "delete_selected",
            "_selected_action": "1",
            name.removeprefix("post "): raw,
        }
        headers = {"Cookie": f"{cookie}; csrftoken={_TOKEN}", "X-CSRFToken": _TOKEN}
        headers["Content-Type"] = _SENT
        yield Request("POST", path, urlencode(sent).encode(), headers=headers)
        return
    page = f"{path}{'&' if '?' in path else '?'}{urlencode({name: raw[:3_000]})}"
    if name == "pk":
        page = f"{path}{quote(raw[:3_000], safe='')}/change/"
    yield _get(page, cookie)
    yield _get(page, of_support)


def _get(page: str, cookie: str) -> Request:
    return Request("GET", page, headers={"Cookie": cookie})


def _as_cookie(raw: bytes) -> str:
    """Return the bytes as a quoted cookie may say any of them: as octal numbers."""
    return '"' + "".join(f"\\{byte:03o}" for byte in raw[:500]) + '"'


def _judge(
    findings: Findings, request: Request, answer: Answer, *, may_be_refused: bool = False
) -> None:
    findings.calls += 1
    findings.statuses[answer.status] += 1
    unwanted = {0} if may_be_refused else {0, 401, 403}
    if answer.status >= 500 or answer.status in unwanted:
        place = f"{request.method} {request.path[:200]} {request.body or ''!r:.200}"
        findings.failures.setdefault(f"{place}: {answer.status}", repr(answer.body[:500]))


def _places(address: Address, cookie: str) -> Iterator[tuple[str, list[str]]]:
    yield "/admin/", [f"cookie {name}" for name in _COOKIES]
    yield "/admin/search/?s=a", ["page"]
    yield "/admin/search/?page=1", ["s"]
    source = "app_label=orders&model_name=order&field_name=customer"
    yield f"/admin/autocomplete/?{source}", ["term", "page"]
    for model, shown in admin.site._registry.items():
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        filters = [each for each in shown.list_filter if isinstance(each, str)]
        columns = [field.name for field in model._meta.concrete_fields]
        names = ["q", "o", "p", "e", "all", "pk", "unknown", "_changelist_filters"]
        names += ["_facets", "_popup", "_to_field", "pk__range", "pk__in", "pk__regex"]
        if shown.date_hierarchy:
            names += [f"{shown.date_hierarchy}__{part}" for part in ("year", "month", "day")]
        names += [f"{column}__regex" for column in columns]
        names += ["post _selected_action", "post action", "post index", "post select_across"]
        yield path, [*names, *filters, *(f"{name}__exact" for name in filters)]
        if call(address, _get(f"{path}add/", cookie)).status == 200:
            many = [field.name for field in model._meta.many_to_many]
            yield f"{path}add/", [*columns, *many, "_changelist_filters", "_popup", "_to_field"]


def _signed_in(shop: Shop) -> str:
    """Return the cookie of a superuser's session."""
    assert shop.caller.user is not None
    User.objects.filter(pk=shop.caller.user.pk).update(is_superuser=True)
    return _cookie_of(shop.caller.user)


def _cookie_of(user: Any) -> str:
    browser = Client()
    browser.force_login(User.objects.get(pk=user.pk))
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={browser.cookies[name].value}"
