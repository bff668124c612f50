"""The throw-away server keeps its word: it serves, and it leaves nothing behind."""

import os
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from tests.postgres import throwaway_postgres


def test_a_configured_server_is_used_as_it_is(monkeypatch):
    monkeypatch.setenv("TEST_POSTGRES_URL", "postgres://me@elsewhere/shop")

    with throwaway_postgres() as url:
        assert url == "postgres://me@elsewhere/shop"


@pytest.mark.skipif("TEST_POSTGRES_URL" in os.environ, reason="a server was brought along")
def test_the_server_lets_databases_be_made_and_is_gone_afterwards():
    with throwaway_postgres() as url, closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True  # CREATE DATABASE refuses a transaction
        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE shop")
            cursor.execute("SHOW data_directory")
            folder = Path(cursor.fetchone()[0]).parent
        assert folder.exists()

    assert urlsplit(url).hostname == "127.0.0.1"
    assert not folder.exists()
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(url)
