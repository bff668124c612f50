"""Statements whose text is kept mean what the ORM's mean, on every database."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import UserFactory
from shop_backend.kernel import statements
from shop_backend.kernel.inserting import insert_if_new
from shop_backend.kernel.models import IdempotencyKey, OutboxMessage, RecordedEvent
from shop_backend.kernel.selects import Columns, Select

pytestmark = [pytest.mark.django_db, pytest.mark.portable]
MOMENT = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)


def key_of(user, **values):
    return IdempotencyKey(
        user=user, operation="o", key="K 100%", fingerprint="f", claim=uuid.uuid4(), **values
    )


def columns_of(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_what_is_inserted_is_what_the_orm_reads():
    row = key_of(UserFactory(), attempt=uuid.uuid4(), leased_until=MOMENT)
    message = OutboxMessage(kind="k", payload={"a": [1, "é", None]}, sent_at=MOMENT)

    statements.insert(row)
    statements.insert(message)

    assert columns_of(IdempotencyKey.objects.get(pk=row.pk)) == columns_of(row)
    assert columns_of(OutboxMessage.objects.get(pk=message.pk)) == columns_of(message)
    assert not row._state.adding


def test_what_is_fetched_is_what_the_orm_reads():
    row = key_of(UserFactory(), leased_until=MOMENT)
    row.save()
    OutboxMessage.objects.create(kind="k", payload={"a": 1}, dead_at=MOMENT)

    (found,) = statements.fetch(IdempotencyKey, user=row.user_id, key="K 100%")
    (message,) = statements.fetch(OutboxMessage, kind="k")

    assert columns_of(found) == columns_of(row)
    assert columns_of(message) == columns_of(OutboxMessage.objects.get())
    assert statements.fetch(IdempotencyKey, id=row.pk + 1) == []


def test_many_rows_are_one_statement_and_know_their_keys():
    rows = [RecordedEvent(kind="k", subject="s", subject_id=n, payload={"n": n}) for n in range(3)]

    with CaptureQueriesContext(connection) as queries:
        statements.insert_all(iter(rows))

    inserts = [query for query in queries if query["sql"].startswith("INSERT")]
    assert len(inserts) == 1
    stored = RecordedEvent.objects.order_by("pk")
    assert [(row.subject_id, row.payload) for row in stored] == [(n, {"n": n}) for n in range(3)]
    if connection.features.can_return_rows_from_bulk_insert:
        assert [row.pk for row in rows] == [row.pk for row in stored]
    assert statements.insert_all([]) == []


def test_named_fields_alone_are_written():
    message = OutboxMessage.objects.create(kind="k", payload={})
    message.payload, message.sent_at, message.kind = {"b": True}, MOMENT, "another"

    statements.save(message, "payload", "sent_at")

    stored = OutboxMessage.objects.get()
    assert (stored.kind, stored.payload, stored.sent_at) == ("k", {"b": True}, MOMENT)


def test_what_is_not_there_cannot_be_written():
    message = OutboxMessage.objects.create(kind="k", payload={})
    OutboxMessage.objects.all().delete()
    message.pk = 1

    with pytest.raises(OutboxMessage.DoesNotExist):
        statements.save(message, "kind")


def test_a_second_row_is_skipped_and_said_so():
    user = UserFactory()
    first, second = key_of(user), key_of(user)

    assert insert_if_new(first)
    assert not insert_if_new(second)
    assert second.pk is None
    assert IdempotencyKey.objects.get().claim == first.claim


def test_rows_are_locked_in_the_order_of_their_keys():
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        statements.lock(OutboxMessage, kind="k")

    (sql,) = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    locks = connection.features.has_select_for_update
    assert sql.endswith(".`id` ASC FOR UPDATE" if connection.vendor == "mysql" else "") or (
        sql.endswith('"id" ASC FOR UPDATE' if locks else '"id" ASC')
    )


def test_columns_are_converted_and_values_looked_among():
    user = UserFactory()
    old, new = key_of(user, created_at=MOMENT), key_of(user, created_at=MOMENT + timedelta(1))
    old.operation = "p"
    old.save()
    new.save()
    select = Select(
        """
        SELECT {columns} FROM kernel_idempotencykey k
        WHERE k.created_at >= %s AND k.id IN ({among}) ORDER BY k.id
        """,
        Columns("k", IdempotencyKey, ("claim", "created_at")),
    )
    since = statements.adapted(IdempotencyKey._meta.get_field("created_at"), MOMENT)

    rows = select.rows([since, old.pk, new.pk], among=[old.pk, new.pk])

    assert [tuple(row) for row in rows] == [(row.claim, row.created_at) for row in (old, new)]
    assert len(select.rows([since, new.pk], among=[new.pk])) == 1
