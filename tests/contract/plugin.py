"""The pytest plugin that lets no answer of the test client pass unchecked."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.conf import settings
from django.test.client import ClientHandler

from tests.contract.checker import Checker
from tests.contract.document import published

_SHOP = "shop_backend.urls"
_OUTPUT = "checked_answers"
_FULL_RUNS = {"", "not concurrency"}


@cache
def checker() -> Checker:
    """Return the one checker of this process."""
    return Checker(published())


@pytest.fixture(autouse=True, scope="session")
def every_answer_is_checked() -> Iterator[None]:
    """Hold each answer that leaves the shop's handler against the published document."""
    call = ClientHandler.__call__

    def call_and_check(handler: ClientHandler, environ: dict[str, Any]) -> Any:
        response = call(handler, environ)
        if settings.ROOT_URLCONF == _SHOP:  # the kernel's tests bring routes of their own
            checker().check(response.wsgi_request, response)
        return response

    ClientHandler.__call__ = call_and_check  # type: ignore[method-assign, assignment]  # for as long as the tests run
    yield
    ClientHandler.__call__ = call  # type: ignore[method-assign]  # and back again


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add what a worker of pytest-xdist has checked."""
    rows = getattr(node, "workeroutput", {}).get(_OUTPUT, [])
    checker().checked.update(Counter({(name, status): count for name, status, count in rows}))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """After a run of the whole suite, no operation may have been left without a success."""
    checked = checker().checked
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_OUTPUT] = [[*key, count] for key, count in checked.items()]
    elif _is_whole_suite(session) and session.exitstatus == pytest.ExitCode.OK:
        if unreached := checker().unreached():
            print("\nNo test has seen these operations succeed:", *unreached, sep="\n  ")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        else:
            print(f"\n{checked.total()} answers are as published.")


def _is_whole_suite(session: pytest.Session) -> bool:
    option = session.config.option
    is_narrowed = option.keyword or option.markexpr not in _FULL_RUNS or option.collectonly
    from_testpaths = session.config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return from_testpaths and not (is_narrowed or option.deselect or option.ignore)
