"""Which 503s an attack may be answered with."""

import json

import pytest

from tests.chaos.wire import Answer
from tests.contract.document import published
from tests.security.busy import faults_of_log, is_busy
from tests.security.firing import fault_of

LINE = "2026-11-27 ERROR django.request [x] Service Unavailable: /api/cart/"
BROKEN = "2026-11-27 ERROR django.request [x] Internal Server Error: /api/cart/"
FOREIGN = "2026-11-27 ERROR django.security.DisallowedHost [x] Invalid HTTP_HOST header"


def answer(status=503, code="database_busy", headers=("Retry-After",)):
    body = {"success": False, "message": "The shop is very busy.", "data": None, "code": code}
    given = {"Content-Type": "application/json", **dict.fromkeys(headers, "1")}
    return Answer(status, given, json.dumps(body).encode())


@pytest.mark.parametrize("vendor", ["sqlite", "mysql"])
def test_a_database_that_locks_itself_may_ask_for_another_try(vendor):
    assert is_busy(answer(), vendor=vendor)
    assert list(faults_of_log([LINE, FOREIGN], vendor=vendor, busy=1)) == []


@pytest.mark.parametrize(
    "told", [answer(code="database_unavailable"), answer(status=500), answer(headers=())]
)
def test_no_other_answer_of_the_kind_is_taken_for_it(told):
    operation = published().by_name["cart_read"]

    assert not is_busy(told, vendor="sqlite")
    assert fault_of(published(), operation, "/api/cart/", told, vendor="sqlite")


def test_on_postgresql_none_is():
    operation = published().by_name["cart_read"]

    assert not is_busy(answer(), vendor="postgresql")
    assert fault_of(published(), operation, "/api/cart/", answer(), vendor="postgresql")
    assert list(faults_of_log([LINE], vendor="postgresql", busy=1)) == [LINE]


def test_the_log_tells_of_as_many_as_were_met():
    assert len(list(faults_of_log([LINE, LINE], vendor="sqlite", busy=1))) == 1


def test_what_broke_is_a_finding_everywhere():
    assert list(faults_of_log([BROKEN, LINE], vendor="mysql", busy=1)) == [BROKEN]
