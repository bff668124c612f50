"""Who gets in where, as a table: ``python -m tests.security_matrix`` asks a shop and writes it.

Rows are every method of every address of the URL configuration. The document is the golden one:
tests ask the shop again and compare, so what changes it is looked at as a line of its diff.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.conf import settings
from django.contrib import admin
from django.db import connection, transaction
from django.template import Origin
from django.template.loaders.base import Loader
from django.test import Client, override_settings
from django.test.runner import DiscoverRunner
from drf_yasg.generators import OpenAPISchemaGenerator

from tests.client import ShopClient
from tests.matrix_callers import CALLERS, LIVE, Caller, people
from tests.matrix_shop import STRIPE, Asked, MatrixShop
from tests.routes import Route, api_routes, pages

DOCUMENT = Path(__file__).parent.parent / "docs" / "security-matrix.md"
OVERVIEW = DOCUMENT.with_name("security.md")
IN, LOGIN, REFUSED = "in", "login", "refused"
Row = dict[str, str]
_HEAD = """# Who gets in where

Written by `python -m tests.security_matrix`, which asks a shop as each caller for every method of
every address; `tests/test_security_matrix.py` asks again. Every request is a good one, and names
something that is there and, where it is somebody's, the owner's.

| cell | is |
|---|---|
| `in` | it is done or shown |
| `401` | no good token, or no token for this login |
| `403` | the role does not allow it |
| `404` | for this caller it is not there |
| `409` | past the door, but a rule forbids it: staff do not delete themselves |
| `405` | not with this method |
| `login` | the admin site's login page answers |
| `refused` | a page of the admin site says no, and nothing is written |

`another` is another customer. What is dead (deactivated, expired, revoked) is an administrator's;
an unverified administrator has what the right password gets: nothing. A superuser gets in
everywhere.

"""
_OVERVIEW = re.compile(r"(?<=<!-- matrix: begin -->\n)(.*)(?=<!-- matrix: end -->)", re.DOTALL)
_AUDIT = {"kernel_auditentry", "django_session", "django_admin_log"}
_WRITE = re.compile(r'^(?:INSERT INTO|UPDATE|DELETE FROM) ["`]?(\w+)')
_QUERIES = {"admin/autocomplete/": "?app_label=orders&model_name=ordernote&field_name=order"}


class Blank(Loader):
    """Templates without a word: what a page looks like takes long, and lets nobody in."""

    def get_template_sources(self, template_name: str) -> Iterator[Origin]:
        yield Origin(name=template_name, template_name=template_name, loader=self)

    def get_contents(self, origin: Origin) -> str:
        return ""


blank_pages = override_settings(
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "loaders": ["tests.security_matrix.Blank"],
                "context_processors": settings.TEMPLATES[0]["OPTIONS"]["context_processors"],  # type: ignore[index]  # a plain dict
            },
        }
    ]
)


@contextmanager
def nothing_lasts() -> Iterator[None]:
    """Undo what a request does, so that the next caller finds the same shop."""
    block: Any = transaction.atomic()
    block._from_testcase = True  # services take it for the test's own
    with block:
        yield
        transaction.set_rollback(True)


class Inquiry:
    """Asks one shop, as each caller, for everything."""

    def __init__(self) -> None:
        self.callers = people()
        self._client, self._browser = ShopClient(), Client()
        live = [self.callers[name].user for name in LIVE]
        self.shop = MatrixShop(owner=live[0], buyers=live)

    def api_rows(self, face: str) -> dict[str, Row]:
        """Return what each caller meets at every operation of a face, ``"api/"`` or ``""``."""
        with override_settings(**STRIPE):
            return {
                f"{route.method.upper()} /{route.template.removeprefix(face)}": {
                    name: self._meets(route, caller) for name, caller in self.callers.items()
                }
                for route in api_routes()
                if route.template.startswith("api/") == bool(face)
            }

    def _meets(self, route: Route, caller: Caller) -> str:
        with nothing_lasts():
            return _verdict(self.send(self.shop.request(route, caller), route.method))

    def send(self, asked: Asked, method: str) -> Any:
        """Return the answer to a request of the API."""
        kind = "application/json"
        return self._client.generic(
            method.upper(), asked.path, asked.body, kind, headers=asked.headers
        )

    def page_rows(self) -> dict[str, Row]:
        """Return what each caller meets at every page, form and action outside the API."""
        rows: dict[str, Row] = {}
        media = override_settings(SERVE_MEDIA=True, MEDIA_ROOT=DOCUMENT.parent)
        # The theme's menus and drf-yasg's search for operations take long, and let nobody in.
        menus = patch.object(admin.site, "each_context", return_value={})
        operations = patch.object(OpenAPISchemaGenerator, "get_endpoints", return_value={})
        with blank_pages, menus, operations, media:
            for template in pages():
                model = _model_of(template)
                for method, said, form in self._requests(template, model):
                    rows[f"{method} /{template}{said}"] = {
                        name: self._sees(caller, method, self._path(template, model), form)
                        for name, caller in self.callers.items()
                    }
        return rows

    def _requests(self, template: str, model: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Return method, action and form; of a list every action, on all its rows."""
        yield "GET", "", {}
        if model is None or not template.endswith(f"/{model._meta.model_name}/"):
            yield "POST", "", self.shop.forms.get(template.rstrip("/").rsplit("/", 1)[-1], {})
            return
        for action in [*(admin.site._registry[model].actions or ()), "delete_selected"]:
            rows = self.shop.rows_of(model)
            form = {"action": action, "_selected_action": rows, "index": 0, "confirmed": "yes"}
            yield "POST", f" {action}", form

    def _path(self, template: str, model: Any) -> str:
        pk = self.shop.row_of(model) if model else "nothing-here"
        path = re.sub(r"<(path:object_id|id)>", str(pk), template)
        path = path.replace("<path:path>", DOCUMENT.name)
        return f"/{path}{_QUERIES.get(template, '')}"

    def _sees(self, caller: Caller, method: str, path: str, form: dict[str, Any]) -> str:
        self._browser.cookies.clear()
        if caller.session:
            self._browser.cookies[settings.SESSION_COOKIE_NAME] = caller.session
        statements: list[str] = []

        def note(execute: Any, sql: str, *rest: Any) -> Any:
            statements.append(sql)
            return execute(sql, *rest)

        with nothing_lasts(), connection.execute_wrapper(note):
            answer = getattr(self._browser, method.lower())(path, form)
            list(answer)  # closes the file that it may be of
        verdict = _verdict(answer)
        return REFUSED if verdict == IN and form and not _is_done(answer, statements) else verdict


def _verdict(answer: Any) -> str:
    status: int = answer.status_code
    assert status < 500, answer.content
    if answer.headers.get("Location", "").startswith("/admin/login/"):
        return LOGIN
    return IN if status < 400 else str(status)


def _is_done(answer: Any, statements: list[str]) -> bool:
    """Return whether something was written beside the audit, or a file or a page to confirm came.

    What the admin site refuses within a page has the status of what it does.
    """
    written = map(_WRITE.match, statements)
    if any(match[1] not in _AUDIT for match in written if match):
        return True
    template = getattr(answer, "template_name", None) or [""]
    return "csv" in answer.headers["Content-Type"] or "confirmation" in template[0]


def _model_of(template: str) -> Any:
    """Return the model whose part of the admin site an address is in."""
    for model in admin.site._registry:
        if template.startswith(f"admin/{model._meta.app_label}/{model._meta.model_name}/"):
            return model
    return None


def as_markdown(api: dict[str, Row], others: dict[str, Row]) -> str:
    """Return both tables."""
    text = f"{_HEAD}## The API, with and without `/api`\n\n{_table(api)}"
    return f"{text}\n## Everything else\n\n{_table(others)}"


def _table(rows: dict[str, Row]) -> str:
    lines = [f"| | {' | '.join(CALLERS)} |", "|---" * (len(CALLERS) + 1) + "|"]
    lines += [
        f"| `{name}` | {' | '.join(row[caller] for caller in CALLERS)} |"
        for name, row in sorted(_with_methods_joined(rows).items(), key=_by_path)
    ]
    return "\n".join(lines) + "\n"


def _with_methods_joined(rows: dict[str, Row]) -> dict[str, Row]:
    """Let one line stand for the methods of an address that answer alike."""
    joined: dict[str, Row] = {}
    for name, row in rows.items():
        method, _, address = name.partition(" ")
        if method == "POST" and joined.get(f"GET {address}") == row:
            del joined[f"GET {address}"]
            name = f"GET, POST {address}"
        joined[name] = row
    return joined


def overview(rows: dict[str, Row]) -> str:
    """Return the API's rows with one line for all operations that answer everybody alike."""
    operations: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for name, row in sorted(rows.items(), key=_by_path):
        method, _, path = name.partition(" ")
        alike = operations.setdefault(tuple(row[caller] for caller in CALLERS), {})
        alike.setdefault(re.sub(r"<\w+:(\w+)>", r"{\1}", path), []).append(method)
    lines = [f"| {' | '.join(CALLERS)} | of |", "|---" * (len(CALLERS) + 1) + "|"]
    for cells, paths in sorted(operations.items(), key=lambda each: -len(each[1])):
        named = ", ".join(f"`{' '.join(methods)} {path}`" for path, methods in paths.items())
        lines.append(f"| {' | '.join(cells)} | {named} |")
    return "\n".join(lines) + "\n"


def committed_overview() -> str:
    """Return the lines of the overview that ``docs/security.md`` shows."""
    found = _OVERVIEW.search(OVERVIEW.read_text())
    assert found, OVERVIEW
    return found[1]


def _by_path(row: tuple[str, Row]) -> tuple[str, str]:
    method, _, path = row[0].rpartition(" /")
    return path, method


def committed() -> dict[str, Row]:
    """Return the rows of the document."""
    lines = re.findall(r"^\| `([A-Z, ]+) (/.*)` \| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    return {
        f"{method} {address}": dict(zip(CALLERS, cells.split(" | "), strict=True))
        for methods, address, cells in lines
        for method in methods.split(", ")
    }


def main() -> None:
    """Ask a shop in a database of its own, and write the document."""
    runner = DiscoverRunner(verbosity=0, interactive=False)
    runner.setup_test_environment()
    databases = runner.setup_databases()
    try:
        with nothing_lasts():
            asked = Inquiry()
            plain, enveloped = asked.api_rows(""), asked.api_rows("api/")
            pages_ = asked.page_rows()
    finally:
        runner.teardown_databases(databases)
    differing = [name for name in plain.keys() & enveloped.keys() if plain[name] != enveloped[name]]
    assert not differing, differing
    api = plain | enveloped
    DOCUMENT.write_text(as_markdown(api, pages_))
    OVERVIEW.write_text(_OVERVIEW.sub(lambda _: overview(api), OVERVIEW.read_text()))
    print(f"{DOCUMENT.name} and {OVERVIEW.name} written")


if __name__ == "__main__":
    main()
