"""Lists are bounded, ordered and walked to their end."""

from datetime import timedelta

import pytest
from django.utils import timezone

from shop_backend.kernel import pagination
from shop_backend.kernel.models import OutboxMessage
from shop_backend.kernel.pagination import ShopPagination
from shop_backend.kernel.tests import views
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.urls("shop_backend.kernel.tests.urls")]

every_face = pytest.mark.parametrize("prefix", ["/api", ""])


def make(count: int, **values) -> list[OutboxMessage]:
    return OutboxMessage.objects.bulk_create(
        OutboxMessage(**{"kind": f"kind{number:05}", **values}) for number in range(count)
    )


def ask(query: str = "", prefix: str = ""):
    response = ShopClient().get(f"{prefix}/messages/{query}")
    if response.status_code != 200:
        return response.status_code, response.json()
    return response.json()["data"] if prefix else response.json()


def walk(query: str = "?cursor=", step=lambda: None) -> list[list[int]]:
    """Follow ``next`` to the end; return the ids of each page."""
    client, pages, url = ShopClient(), [], f"/messages/{query}"
    while url is not None:
        page = client.get(url).json()
        assert page["count"] is None
        pages.append([row["id"] for row in page["results"]])
        step()
        url = page["next"]
    return pages


@pytest.mark.portable
@every_face
def test_a_list_comes_in_pages_of_twenty_newest_first(prefix):
    rows = make(45)
    host = f"http://testserver{prefix}/messages/"

    first = ask(prefix=prefix)
    last = ask("?page=3", prefix=prefix)

    assert [row["id"] for row in first["results"]] == [row.pk for row in rows[:-21:-1]]
    assert (first["count"], first["next"], first["previous"]) == (45, f"{host}?page=2", None)
    assert len(last["results"]) == 5
    assert (last["next"], last["previous"]) == (None, f"{host}?page=2")
    assert ask("?page=2", prefix=prefix)["previous"] == host
    assert "count_capped" not in first


def test_an_empty_list_is_one_empty_page():
    assert ask() == {"count": 0, "next": None, "previous": None, "results": []}
    assert ask("?cursor=") == {"count": None, "next": None, "previous": None, "results": []}


def test_a_page_holds_at_most_a_hundred():
    make(101)

    assert len(ask("?page_size=7")["results"]) == 7
    assert len(ask("?page_size=100")["results"]) == 100
    assert len(ask("?page_size=5000")["results"]) == 100
    assert len(ask("?page_size=5000&cursor=")["results"]) == 100


@every_face
@pytest.mark.parametrize(
    "query",
    ["page=0", "page=-1", "page=x", "page=", "page=1.5", "page=9999999999", "page=٣"]
    + ["page_size=0", "page_size=-5", "page_size=all", "page_size=" + "9" * 5000],
)
def test_a_page_that_cannot_be_is_refused(prefix, query):
    status, body = ask(f"?{query}", prefix=prefix)

    assert status == 400
    name = query.partition("=")[0]
    assert list(body["errors"] if prefix else body) == [name]


def test_a_page_beyond_the_last_is_404():
    make(21)

    status, body = ask("?page=3")

    assert status == 404
    assert body["code"] == "invalid_page"


def test_a_count_is_exact_up_to_its_cap_and_pages_end_there(monkeypatch):
    monkeypatch.setattr(pagination, "COUNT_CAP", 40)
    make(40)
    assert ask("?page=2")["count"] == 40
    assert "count_capped" not in ask("?page=2")

    make(1)
    last = ask("?page=2")
    assert (last["count"], last["count_capped"], last["next"]) == (40, True, None)
    status, body = ask("?page=3")
    assert status == 400
    assert body == {"page": ["Pages end at 2; walk the whole list with ?cursor= instead."]}
    assert sum(len(page) for page in walk()) == 41


def test_counting_looks_at_no_more_rows_than_the_cap(django_assert_num_queries):
    make(3)

    with django_assert_num_queries(2) as queries:
        ask()

    assert f"LIMIT {pagination.COUNT_CAP + 1}" in queries.captured_queries[0]["sql"]


@pytest.mark.portable
def test_a_walk_meets_every_row_once_even_when_rows_come_and_go():
    rows = make(50)
    gone = rows[10].pk

    def disturb():
        make(3)
        OutboxMessage.objects.filter(pk=gone).delete()

    pages = walk("?cursor=&page_size=7", step=disturb)

    seen = [pk for page in pages for pk in page]
    assert len(seen) == len(set(seen))
    assert set(seen) == {row.pk for row in rows} - {gone}
    assert seen == sorted(seen, reverse=True)


@pytest.mark.portable
@pytest.mark.parametrize(
    "ordering", ["kind", "-kind", "attempts", "-attempts,kind", "kind,-attempts"]
)
def test_a_walk_keeps_the_order_asked_for(ordering):
    for kind in ("b", "a", "c"):
        for attempts in (2, 1, 2):
            make(3, kind=kind, attempts=attempts)
    expected = [row["id"] for row in ask(f"?page_size=100&ordering={ordering}")["results"]]

    pages = walk(f"?cursor=&page_size=4&ordering={ordering}")

    assert [pk for page in pages for pk in page] == expected
    assert len(expected) == 27


@pytest.mark.portable
@pytest.mark.parametrize("ordering", ["sent_at", "-sent_at", "-sent_at,kind"])
def test_a_walk_does_not_lose_the_rows_without_a_value(ordering):
    now = timezone.now()
    for day in (None, 1, 2, None, 2):
        make(3, sent_at=None if day is None else now + timedelta(days=day, microseconds=1))
    expected = [row["id"] for row in ask(f"?page_size=100&ordering={ordering}")["results"]]

    pages = walk(f"?cursor=&page_size=2&ordering={ordering}")

    assert [pk for page in pages for pk in page] == expected
    assert len(expected) == 15


def test_a_walk_gets_past_any_number_of_equal_rows():
    make(1150, kind="same")

    pages = walk("?cursor=&page_size=100&ordering=kind")

    assert len({pk for page in pages for pk in page}) == 1150
    assert len(pages) == 12


@pytest.mark.portable
@pytest.mark.parametrize("ordering", ["-kind", "attempts", "sent_at"])
def test_a_walk_can_be_walked_back(ordering):
    make(5, attempts=1)
    make(5, attempts=2, sent_at=timezone.now())
    client, url = ShopClient(), f"/messages/?cursor=&page_size=3&ordering={ordering}"
    there = []
    while url is not None:
        page = client.get(url).json()
        there.append(page["results"])
        last, url = page, page["next"]

    back = [last["results"]]
    while last["previous"] is not None:
        last = client.get(last["previous"]).json()
        back.append(last["results"])

    assert back == there[::-1]
    assert len(there) == 4
    assert client.get(last["next"]).json()["results"] == there[1]


@every_face
@pytest.mark.parametrize("cursor", ["x", "%FF", "bz0xMDAw", "a:b:c", "x" * 5000])
def test_a_cursor_that_was_made_up_is_refused(prefix, cursor):
    make(3)

    status, body = ask(f"?cursor={cursor}", prefix=prefix)

    assert status == 400
    assert body["code"] == "invalid_cursor" if prefix else list(body) == ["cursor"]


def test_a_cursor_of_another_order_is_refused():
    make(3)
    link = ask("?cursor=&page_size=1&ordering=kind")["next"]

    response = ShopClient().get(link.replace("ordering=kind", "ordering=-kind"))

    assert response.status_code == 400


@every_face
@pytest.mark.parametrize("ordering", ["colour", "--kind", "-", ",", "kind,colour", "pk", "x" * 999])
def test_an_order_nobody_offers_is_refused(prefix, ordering):
    status, body = ask(f"?ordering={ordering}", prefix=prefix)

    assert status == 400
    assert list(body["errors"] if prefix else body) == ["ordering"]
    assert len(str(body)) < 700


def test_an_empty_order_is_the_usual_one():
    rows = make(2)

    assert [row["id"] for row in ask("?ordering=")["results"]] == [rows[1].pk, rows[0].pk]


@every_face
@pytest.mark.parametrize("query", ["attempts=x", "attempts=-1", "attempts=40000", "attempts=NaN"])
def test_a_filter_value_that_makes_no_sense_is_refused(prefix, query):
    make(1)

    status, body = ask(f"?{query}", prefix=prefix)

    assert status == 400
    assert list(body["errors"] if prefix else body) == ["attempts"]


def test_filters_and_pages_go_together():
    make(5, kind="tea")
    make(5, kind="coffee")

    page = ask("?kind=tea&page_size=2&page=2")

    assert page["count"] == 5
    assert [row["kind"] for row in page["results"]] == ["tea", "tea"]
    assert "kind=tea" in page["next"]
    assert len([pk for ids in walk("?kind=tea&cursor=&page_size=2") for pk in ids]) == 5


@pytest.mark.portable
def test_a_list_takes_as_many_queries_for_ten_rows_as_for_one(django_assert_num_queries):
    for count in (1, 9):
        make(count)
        with django_assert_num_queries(2):
            ask()
        with django_assert_num_queries(1):
            ask("?cursor=")


def test_pages_are_the_projects_default():
    assert views.MessageViewSet.pagination_class is ShopPagination
