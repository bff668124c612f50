"""The database goes away in the middle of a request."""

import psycopg2
import pytest
from django.db import Error, close_old_connections, connection
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
    path = "/api/catalog/categories/"
    assert client.get(path).status_code == 200
    end_our_session()

    lost = client.get(path)
    assert (lost.status_code, lost.json()["code"]) == (503, "database_unavailable")
    assert lost.headers["Retry-After"] == "5"

    close_old_connections()  # as every request does at its end, but for the test client's
    assert client.get(path).status_code == 200


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
