"""The attackers' own tools, and that nothing of theirs is left out of the page."""

import socket
import threading
import time
from collections import Counter

import pytest
from django.db import connection

from tests.chaos import attacks, drills, plans, report, wire
from tests.chaos.attack import Round, label
from tests.chaos.failing_wsgi import Failpoint, StatementFailed
from tests.chaos.naive.variants import VARIANTS
from tests.chaos.proxies import losing_answers
from tests.chaos.series import Result

ANSWER = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


class LastBytes:
    """A server that notes when each connection came and when its last byte did."""

    def __init__(self, expected):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.opened, self.completed = [], []
        self.threads = [threading.Thread(target=self.serve) for _ in range(expected)]
        for thread in self.threads:
            thread.start()

    def serve(self):
        line, _ = self.listener.accept()
        with line:
            self.opened.append(time.monotonic())
            received = b""
            while not received.endswith(b"{}"):
                received += line.recv(65536)
            self.completed.append(time.monotonic())
            line.sendall(ANSWER)

    def close(self):
        for thread in self.threads:
            thread.join()
        self.listener.close()


def test_no_request_is_complete_before_every_connection_is_open():
    server = LastBytes(expected=20)

    answers = wire.release_together(server.address, [wire.Request("POST", "/", {})] * 20)

    server.close()
    assert [answer.status for answer in answers] == [201] * 20
    assert max(server.opened) < min(server.completed)


@pytest.mark.parametrize("cut", [0, 10, len(ANSWER) - 1])
def test_an_answer_that_is_cut_off_is_none(cut):
    assert wire.parse(ANSWER[:cut]).status == 0
    assert wire.parse(ANSWER).status == 201


@pytest.mark.parametrize(("share", "status"), [(0.0, 201), (1.0, 0)])
def test_the_losing_proxy_loses_answers_and_no_requests(share, status):
    server = LastBytes(expected=5)

    with losing_answers(server.address, share=share) as proxy:
        answers = [wire.call(proxy.address, wire.Request("POST", "/", {})) for _ in range(5)]

    server.close()
    assert [answer.status for answer in answers] == [status] * 5
    assert len(server.completed) == 5


def test_only_a_503_with_retry_after_is_no_server_error():
    result = Result("A1", "", "PostgreSQL")
    busy = wire.Answer(503, {"Retry-After": "1"}, b'{"code": "database_busy"}')
    mute = wire.Answer(503, {}, b"")

    result.add(Round(Counter({label(busy): 2, label(mute): 1, "500 server_error": 1})))

    assert (result.busy, result.server_errors) == (2, 2)
    assert report.conclude([vars(result)]) == 1


def test_a_careless_variant_that_stands_fails_the_run():
    fallen = Result("A1", "", "PostgreSQL", rounds=1, broken_rounds=1, is_naive=True)
    standing = Result("A1", "", "PostgreSQL", rounds=5, is_naive=True)

    assert report.conclude([vars(fallen)]) == 0
    assert report.conclude([vars(standing)]) == 1


def test_the_variants_of_an_attack_share_its_turns():
    for family in ("A1", "A2"):
        variants = [each for each in attacks.ALL if each.name.startswith(family)]
        assert all(variant.is_due(1) for variant in variants)
        for turn in range(2, 40):
            assert sum(variant.is_due(turn) for variant in variants) == 1
    assert all(each.is_due(7) for each in attacks.ALL if each.name.startswith("A3"))


def test_every_attack_has_its_careless_variant_and_its_line_on_the_page():
    page = report.PAGE.read_text()

    assert {attack.naive for attack in attacks.ALL} == set(VARIANTS)
    for each in [*attacks.ALL, *drills.ALL]:
        name = each.name if each.name in page else each.name.split()[0]
        assert f"| {name}" in page, each.name


def test_the_time_that_a_series_leaves_over_goes_to_those_after_it(tmp_path):
    run = plans.Run(1, 0, tmp_path, time.time() + 100, postgres=None, mysql_url="")
    first, second = (plans.Series("PostgreSQL", "postgresql", share=share) for share in (3, 1))

    assert run._end_of(first, [first, second]) - time.time() == pytest.approx(0.75 * 97, abs=1)
    assert run._end_of(second, [second]) - time.time() == pytest.approx(97, abs=1)


@pytest.mark.django_db
def test_a_failpoint_raises_instead_of_the_statement_it_is_set_at():
    failpoint = Failpoint(die_after=None, raise_at=2)

    with connection.execute_wrapper(failpoint), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        with pytest.raises(StatementFailed):
            cursor.execute("SELECT 2")

    assert failpoint.count == 2
