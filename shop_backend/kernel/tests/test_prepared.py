"""Statements that PostgreSQL is given a name for; nothing else about them may be different."""

from collections.abc import Iterator

import pytest
from django.db import ProgrammingError, connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import UserFactory
from shop_backend.kernel import prepared, statements, transactions

pytestmark = [
    pytest.mark.concurrency,  # on PostgreSQL alone
    pytest.mark.django_db(transaction=True),
]
_NAMES = "SELECT statement FROM pg_prepared_statements WHERE name LIKE 'kept%%' AND statement <> %s"
_BY_ID = "SELECT username FROM accounts_user WHERE id = %s"


@pytest.fixture(autouse=True)
def a_new_connection() -> Iterator[None]:
    connection.close()
    yield
    connection.close()


def named() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_NAMES, [""])
        return [statement for (statement,) in cursor.fetchall()]


def forget_names() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")


def test_a_statement_is_named_once_it_is_asked_again(monkeypatch):
    monkeypatch.setattr(prepared, "SIGHTINGS", 2)
    user = UserFactory()

    assert statements.read(_BY_ID, [user.pk]) == [(user.username,)]
    assert named() == []
    assert statements.read(_BY_ID, [user.pk]) == [(user.username,)]
    assert [each for each in named() if "WHERE id = $1" in each] != []
    assert statements.read(_BY_ID, [user.pk + 1]) == []


def test_it_is_told_in_full_all_the_same():
    user = UserFactory()

    with CaptureQueriesContext(connection) as queries:
        statements.read(_BY_ID, [user.pk])
        statements.read(_BY_ID, [user.pk])

    text = _BY_ID.replace("%s", str(user.pk))
    assert [query["sql"] for query in queries] == [text, text]


@pytest.mark.parametrize("number", [2**31, 2**63, -(2**70)])
def test_a_number_too_great_for_the_column_is_just_not_found(number):
    statements.read(_BY_ID, [1])

    assert statements.read(_BY_ID, [number]) == []
    assert statements.fetch(User, username_key=str(number)) == []


def test_a_percent_sign_stays_one():
    text = "SELECT id FROM accounts_user WHERE id = %s AND username LIKE '%%x%%'"
    user = UserFactory(username="extra")

    assert [statements.read(text, [user.pk]) for _ in range(3)] == [[(user.pk,)]] * 3


def test_a_name_that_is_gone_is_done_without():
    user = UserFactory()
    statements.read(_BY_ID, [user.pk])
    forget_names()

    assert statements.read(_BY_ID, [user.pk]) == [(user.username,)]
    statements.read(_BY_ID, [user.pk])
    assert named() == []  # nor is there another on this connection


def test_in_a_transaction_all_of_it_is_tried_again():
    user = UserFactory()
    statements.read(_BY_ID, [user.pk])
    forget_names()
    tries = []

    def work() -> object:
        tries.append(1)
        User.objects.filter(pk=user.pk).update(first_name="Ada" * len(tries))
        return statements.read(_BY_ID, [user.pk])

    assert transactions.run(work) == [(user.username,)]
    assert len(tries) == 2
    assert User.objects.get(pk=user.pk).first_name == "AdaAda"


def test_a_column_that_was_changed_meanwhile_is_read_as_it_is_now():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE kept_or_not (id int, what int)")
        cursor.execute("INSERT INTO kept_or_not VALUES (1, 7)")
        text = "SELECT what FROM kept_or_not WHERE id = %s"
        assert statements.read(text, [1]) == [(7,)]
        cursor.execute("ALTER TABLE kept_or_not ALTER COLUMN what TYPE varchar(9)")

    assert statements.read(text, [1]) == [("7",)]


def test_a_statement_that_is_wrong_is_refused_as_ever():
    with pytest.raises(ProgrammingError):
        statements.read("SELECT nothing FROM accounts_user WHERE id = %s", [1])
