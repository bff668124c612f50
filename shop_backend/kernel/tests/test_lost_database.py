"""The database goes away in the middle of a request."""

from functools import partial

import psycopg2
import pytest
from django.db import Error, close_old_connections, connection, connections
from rest_framework.test import APIClient

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


def end_our_session() -> None:
    """End the session of this connection from another one, as a restart of the server would."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    other = psycopg2.connect(**connection.get_connection_params() | {"cursor_factory": None})
    other.autocommit = True
    other.cursor().execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()


def test_a_lost_database_is_a_503_to_come_back_later_and_then_all_is_well():
    client = APIClient()
    path, body = "/api/accounts/login/", {"username": "ada", "password": "wrong"}
    assert client.post(path, body, format="json").status_code == 401
    end_our_session()

    lost = client.post(path, body, format="json")
    assert (lost.status_code, lost.json()["code"]) == (503, "database_unavailable")
    assert lost.headers["Retry-After"] == "5"

    close_old_connections()  # as every request does at its end, but for the test client's
    assert client.post(path, body, format="json").status_code == 401


def test_what_only_reads_is_not_checked_first_and_asked_again_where_it_was_lost(monkeypatch):
    client, checks = APIClient(), []
    look, really = "/api/catalog/categories/?search=a", type(connections["default"]).is_usable
    monkeypatch.setattr(
        type(connections["default"]),
        "is_usable",
        lambda self: checks.append(really(self)) or checks[-1],
    )
    for name, value in {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}.items():
        monkeypatch.setitem(connections["default"].settings_dict, name, value)
    connection.close()
    assert client.get(look).status_code == 200

    def after_another_request(send):
        close_old_connections()
        checks.clear()
        return send().status_code, list(checks)

    body = {"username": "ada", "password": "wrong"}
    log_in = partial(client.post, "/api/accounts/login/", body, format="json")
    assert after_another_request(partial(client.get, look)) == (200, [])
    assert after_another_request(log_in) == (401, [True])
    end_our_session()
    assert after_another_request(partial(client.get, look)) == (200, [])
    end_our_session()
    assert after_another_request(log_in) == (401, [False])
    connection.close()  # the next test's is like the others


def test_a_lost_database_is_not_ready():
    client = APIClient()
    assert client.get("/health/ready").status_code == 200
    end_our_session()

    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/live").status_code == 200

    close_old_connections()
    assert client.get("/health/ready").status_code == 200


def test_a_mistake_in_a_statement_stays_a_bug():
    client = APIClient(raise_request_exception=False)

    def mistake(execute, sql, params, many, context):
        return execute("SELECT no_such_column", (), many, context)

    with connection.execute_wrapper(mistake):
        assert client.get("/api/catalog/categories/").status_code == 500
    with pytest.raises(Error), connection.execute_wrapper(mistake), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
