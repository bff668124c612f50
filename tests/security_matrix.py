"""Who gets in where, as a table: ``python -m tests.security_matrix`` writes it.

It is read from the URL configuration, the declared access and the table of roles; tests ask
every cell of a running shop.
"""

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.contrib import admin

from accounts.roles import ROLES
from shop_backend.kernel.access import Anyone, Permission
from tests.routes import api_routes

DOCUMENT = Path(__file__).parent.parent / "docs" / "security-matrix.md"
# A dead token is expired, revoked, or of an account that was deactivated.
CALLERS = ("anonymous", "dead token", "customer", "support", "warehouse", "manager", "admin")
IN, NO_TOKEN, NO_RIGHT = "in", "401", "403"
_HEAD = """# Who gets in where

Written by `python -m tests.security_matrix` from the URL configuration, the declared access and
`accounts/roles.py`; a test asks every cell of it. `in`: the caller gets past the door and sees or
changes what is theirs (staff: what their role covers); what belongs to somebody else answers like
something that is not there. `401`: no good token. `403`: the role does not allow it. A dead token
is expired, revoked, or of a deactivated account. An account whose email is not verified gets no
token. A superuser gets in everywhere. Every line holds with and without `/api`.

"""


def api_rows() -> Iterator[tuple[str, dict[str, str]]]:
    """Return each operation of the API with the verdict for every caller."""
    for route in api_routes():
        if route.template.startswith("api/"):
            name = f"{route.method.upper()} /{route.template.removeprefix('api/')}"
            yield name, verdicts(route)


def verdicts(route: Any) -> dict[str, str]:
    """Return what each caller meets at a route."""
    access = route.access
    is_open = isinstance(access, Anyone)
    found = {"anonymous": IN if is_open else NO_TOKEN}
    found["dead token"] = IN if is_open and not reads_tokens(route) else NO_TOKEN
    for role in CALLERS[2:]:
        is_refused = isinstance(access, Permission) and not _admits(access, role)
        found[role] = NO_RIGHT if is_refused else IN
    return found


def reads_tokens(route: Any) -> bool:
    """Return whether the view looks at the Authorization header at all."""
    view = route.view()
    view.request = SimpleNamespace(method=route.method.upper())
    return bool(view.authentication_classes)


def _admits(access: Permission, role: str) -> bool:
    names = {access.name}
    if type(access) is not Permission:  # whoever refunds at all
        names.add(f"{access.name}_within_limit")
    return any(role_has(role, name) for name in names)


def role_has(role: str, permission: str) -> bool:
    """Return whether the table grants a role this permission."""
    return any(fnmatchcase(permission, pattern) for pattern in ROLES[role])


def admin_rows() -> Iterator[tuple[str, dict[str, str]]]:
    """Return each list of the admin site with the verdict for every role that may enter it."""
    for model in sorted(admin.site._registry, key=lambda found: found._meta.label_lower):
        label, name = model._meta.app_label, model._meta.model_name
        yield (
            f"/admin/{label}/{name}/",
            {
                role: IN
                if any(role_has(role, f"{label}.{verb}_{name}") for verb in ("view", "change"))
                else NO_RIGHT
                for role in CALLERS[3:]
            },
        )


def as_markdown() -> str:
    """Return both tables."""
    text = _HEAD + _table("operation", CALLERS, sorted(api_rows(), key=_by_path))
    text += "\n## The admin site\n\nAnybody else is sent to its login page. What a list allows"
    text += " beyond looking depends on the add, change and delete permissions of the role.\n\n"
    return text + _table("list", CALLERS[3:], list(admin_rows()))


def _by_path(row: tuple[str, Any]) -> tuple[str, str]:
    method, _, path = row[0].partition(" ")
    return path, method


def _table(first: str, columns: tuple[str, ...], rows: list[tuple[str, dict[str, str]]]) -> str:
    lines = [f"| {first} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    lines += [
        f"| `{name}` | {' | '.join(found[column] for column in columns)} |" for name, found in rows
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(as_markdown())
    print(f"{DOCUMENT.name} written")
