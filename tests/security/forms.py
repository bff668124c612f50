"""The admin site's forms under the corpus: one hostile value in one field, the rest as it was."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from random import Random
from time import time
from typing import Any
from urllib.parse import quote_from_bytes

from django.contrib import admin

from tests.chaos.wire import Address, Answer, Request, call
from tests.security import corpus
from tests.security.firing import THREADS, Findings

_SENT = "application/x-www-form-urlencoded"
_LEFT_OUT = 0.8  # of the forms, in the short form
_KEPT = {"csrfmiddlewaretoken"}
_BUTTONS = {"submit", "button", "reset", "image", "file"}


class Form(HTMLParser):
    """What a browser would send of a page's forms, as it was shown."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self._select = self._text = ""
        self._typed = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        name = found.get("name", "")
        if tag == "input" and name and found.get("type") not in _BUTTONS:
            is_box = found.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in found:
                self.fields.append((name, found.get("value", "on" if is_box else "")))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in found:
            self.fields.append((self._select, found.get("value", "")))
        elif tag == "textarea":
            self._text, self._typed = name, ""

    def handle_data(self, data: str) -> None:
        self._typed += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea" and self._text:
            self.fields.append((self._text, self._typed))
            self._text = ""


def fire_at_forms(
    address: Address, findings: Findings, cookie: str, *, chance: Random, most: int, until: float
) -> None:
    """Send each form that can be had, once for each field and value, several at a time.

    :param most: hostile values of each field; 0: of some forms' fields one.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        for path in _pages():
            if most == 0 and chance.random() < _LEFT_OUT:
                continue
            if time() > until:
                findings.failures["time"] = "the corpus was not fired to its end"
                return
            shown = call(address, Request("GET", path, headers={"Cookie": cookie}))
            _judge(findings, path, shown)
            if shown.status != 200:
                continue
            headers = {"Cookie": f"{cookie}; csrftoken={_csrf_of(shown)}", "Content-Type": _SENT}
            fields = Form(shown.body.decode()).fields
            findings.places += len({name for name, _ in fields})
            filled = [
                (f"{path} {name}={value[:50]!r}", _body(fields, name, value))
                for name in dict.fromkeys(name for name, _ in fields if name not in _KEPT)
                for value in chance.sample([*corpus.TEXTS, *corpus.TIMES], most or 1)
            ]
            requests = [Request("POST", path, body, headers=headers) for _, body in filled]
            answers = pool.map(lambda request: call(address, request), requests)
            for (place, _), answer in zip(filled, answers, strict=True):
                _judge(findings, place, answer)


def _pages() -> Iterator[str]:
    for model in admin.site._registry:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        yield f"{path}add/"
        if (row := model._default_manager.order_by("-pk").first()) is not None:
            yield f"{path}{row.pk}/change/"


def _judge(findings: Findings, place: str, answer: Answer) -> None:
    findings.calls += 1
    findings.statuses[answer.status] += 1
    # A form that nobody may send is a 403; what the request line cannot hold is a 400 or 413.
    if answer.status >= 500 or answer.status == 0:
        findings.failures.setdefault(f"{place}: {answer.status}", repr(answer.body[:500]))
    if b"CSRF" in answer.body and answer.status == 403:
        findings.failures.setdefault("forms: CSRF", "no form was read by the shop")


def _csrf_of(answer: Answer) -> str:
    cookies: Any = {name.lower(): value for name, value in answer.headers.items()}
    text: str = cookies.get("set-cookie", "")
    return text.split("csrftoken=")[1].split(";")[0] if "csrftoken=" in text else ""


def _body(fields: list[tuple[str, str]], hostile: str, value: str) -> bytes:
    filled = ((name, value if name == hostile else shown) for name, shown in fields)
    pairs = ((key.encode(), text.encode("utf-8", "surrogatepass")) for key, text in filled)
    return "&".join(
        f"{quote_from_bytes(key)}={quote_from_bytes(text)}" for key, text in pairs
    ).encode()
