"""Reviews: written by those who received it, shown by a moderator, counted in the rating."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import StaffFactory, UserFactory
from catalog.answers import ReviewRecords
from catalog.models import Product, Review
from catalog.tests.answers import names, payload, refused
from catalog.tests.factories import ProductFactory, VariantFactory
from orders.tests.trade import (
    ask_back,
    buyer,
    client_of,
    manager,
    move_return,
    place_and_deliver,
    place_and_pay,
    set_status,
)
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]
SAID = {"rating": 5, "title": "Bright", "text": "It lights the room."}


@pytest.fixture(params=["/api", ""], ids=["api", "plain"])
def path_of(request):
    """Return the path of a product's reviews, or of one of them, on one of the faces."""

    def path(product, *steps):
        parts = [str(product.pk), "reviews", *map(str, steps)]
        return f"{request.param}/catalog/products/{'/'.join(parts)}/"

    return path


def reviews_of(product, *steps):
    return "/".join(["/api/catalog/products", str(product.pk), "reviews", *map(str, steps), ""])


@pytest.fixture
def variant():
    return VariantFactory(stock=100)


@pytest.fixture
def product(variant):
    return variant.product


def receiver(variant, **named):
    """Return a customer to whom one unit was delivered."""
    user = buyer()
    User.objects.filter(pk=user.pk).update(**named)
    place_and_deliver(user, (variant, 1))
    return User.objects.get(pk=user.pk)


def review(product, user, **said):
    response = client_of(user).post(reviews_of(product), {**SAID, **said}, format="json")
    assert response.status_code == 201, response.json()
    return Review.objects.get(pk=payload(response)["id"])


def decide(review, verdict, actor=None, **said):
    path = reviews_of(review.product, review.pk, verdict)
    body = {"revision": review.revision, **said}
    return client_of(actor or manager()).post(path, body, format="json")


def approved(variant, rating, **named):
    written = review(variant.product, receiver(variant, **named), rating=rating)
    assert decide(written, "approve").status_code == 200
    written.refresh_from_db()
    return written


def rating_of(product):
    shown = payload(ShopClient().get(f"/api/catalog/products/{product.pk}/"))
    return shown["rating"], shown["review_count"]


# --- writing


def test_who_received_the_product_reviews_it_and_waits_for_a_moderator(path_of, variant, product):
    user = receiver(variant, first_name="Carla", last_name="de Vries")

    response = client_of(user).post(path_of(product), SAID, format="json")

    assert response.status_code == 201
    written = payload(response)
    assert {name: written[name] for name in ("rating", "title", "text")} == SAID
    assert written["author_name"] == "Carla D."
    assert (written["status"], written["is_mine"], written["revision"]) == ("pending", True, 1)
    assert written["rejection_reason"] is None
    assert payload(ShopClient().get(path_of(product)))["count"] == 0
    assert ShopClient().get(path_of(product, written["id"])).status_code == 404
    assert rating_of(product) == (None, 0)


def test_a_review_needs_a_delivered_purchase(path_of, variant, product):
    stranger, waiting, other = buyer(), buyer(), buyer()
    place_and_pay(waiting, (variant, 1))
    place_and_deliver(other, (VariantFactory(stock=5), 1))

    for user in (stranger, waiting, other, manager()):
        response = client_of(user).post(path_of(product), SAID, format="json")
        assert refused(response, 409, "review_needs_delivery")

    assert ShopClient().post(path_of(product), SAID, format="json").status_code == 401
    assert not Review.objects.exists()


def test_what_is_on_its_way_is_not_received_yet(variant, product):
    user = buyer()
    order = place_and_pay(user, (variant, 1))
    for status in ("processing", "shipped"):
        set_status(order, status)

    assert client_of(user).post(reviews_of(product), SAID).status_code == 409

    set_status(order, "delivered")

    assert client_of(user).post(reviews_of(product), SAID).status_code == 201


def test_the_parcel_that_arrived_counts_before_the_rest_of_its_order(variant, product):
    user, later = buyer(), VariantFactory(stock=5)
    order = place_and_pay(user, (variant, 1), (later, 1))
    worker = client_of(manager())
    body = {"order": order.number, "lines": [{"sku": variant.sku, "quantity": 1}]}
    parcel = worker.post("/api/shipping/shipments/", body, format="json").json()["data"]["id"]
    for status in ("shipped", "delivered"):
        path = f"/api/shipping/shipments/{parcel}/"
        assert worker.patch(path, {"status": status}, format="json").status_code == 200

    assert client_of(user).post(reviews_of(product), SAID).status_code == 201
    assert client_of(user).post(reviews_of(later.product), SAID).status_code == 409


@pytest.mark.parametrize(("returned", "status"), [(1, 201), (2, 409)])
def test_what_went_back_was_not_kept(variant, product, returned, status):
    user, worker = buyer(), manager()
    order = place_and_deliver(user, (variant, 2))
    back = ask_back(order, returned).json()["data"]["id"]
    for step in ("approved", "received"):
        assert move_return(order, back, step, worker).status_code == 200

    assert client_of(user).post(reviews_of(product), SAID).status_code == status


def test_a_customer_reviews_a_product_once_whatever_its_variants(path_of, variant, product):
    user = receiver(variant)
    place_and_deliver(user, (VariantFactory(product=product, stock=5), 1))
    review(product, user)

    assert refused(
        client_of(user).post(path_of(product), SAID, format="json"), 409, "review_exists"
    )
    assert Review.objects.count() == 1


def test_the_same_key_writes_one_review(variant, product):
    client = client_of(receiver(variant))
    headers = {"Idempotency-Key": "once"}

    first, second = (
        client.post(reviews_of(product), SAID, format="json", headers=headers) for _ in range(2)
    )

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.json() == second.json()


@pytest.mark.parametrize(
    "said",
    [
        {"rating": 0},
        {"rating": 6},
        {"rating": 4.5},
        {"rating": True},
        {"rating": None},
        {"title": "x" * 101},
        {"title": "two\nlines"},
        {"text": ""},
        {"text": "x" * 5001},
        {"text": "a\x00b"},
    ],
)
def test_what_is_no_review_is_refused(path_of, variant, product, said):
    client = client_of(receiver(variant))

    assert client.post(path_of(product), {**SAID, **said}, format="json").status_code == 400
    assert not Review.objects.exists()


def test_status_author_and_product_are_not_taken_from_the_client(variant, product):
    user = receiver(variant)
    other = ProductFactory()

    said = {**SAID, "status": "approved", "author": 1, "product": other.pk, "revision": 9}
    client_of(user).post(reviews_of(product), said, format="json")

    written = Review.objects.get()
    assert (written.status, written.author, written.product) == ("pending", user, product)
    assert written.revision == 1


@pytest.mark.parametrize("status", ["draft", "archived", "deleted"])
def test_what_is_not_shown_has_no_reviews_for_customers(path_of, variant, product, status):
    user = receiver(variant)
    Product.objects.filter(pk=product.pk).update(status=status)

    assert client_of(user).get(path_of(product)).status_code == 404
    assert client_of(user).post(path_of(product), SAID, format="json").status_code == 404


# --- reading


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [("Carla", "Customer", "Carla C."), ("Carla", "", "Carla"), ("", "Customer", "Customer")],
)
def test_an_author_is_named_without_email_or_username(variant, product, first, last, shown):
    written = approved(variant, 5, first_name=first, last_name=last)

    response = ShopClient().get(reviews_of(product))

    assert payload(response)["results"][0]["author_name"] == shown
    assert written.author.email not in response.content.decode()
    assert written.author.username not in response.content.decode()


def test_everyone_reads_the_approved_ones_and_an_author_their_own(path_of, variant, product):
    shown = approved(variant, 4)
    mine = review(product, receiver(variant))

    def seen_by(user):
        rows = payload(client_of(user).get(path_of(product)))["results"]
        return [(row["id"], row["status"], row["is_mine"]) for row in rows]

    assert seen_by(None) == seen_by(buyer()) == [(shown.pk, "approved", False)]
    assert seen_by(mine.author) == [(mine.pk, "pending", True), (shown.pk, "approved", False)]
    assert seen_by(manager()) == [(mine.pk, "pending", False), (shown.pk, "approved", False)]


def test_reviews_are_ordered_and_narrowed(path_of, variant, product):
    for rating in (3, 5, 3):
        approved(variant, rating)
    pending = review(product, receiver(variant), rating=1)

    def found(query, client=None):
        response = (client or ShopClient()).get(path_of(product), query)
        return [row["rating"] for row in payload(response)["results"]]

    assert found({}) == [3, 5, 3]
    assert found({"ordering": "-rating"}) == [5, 3, 3]
    assert found({"ordering": "rating", "page_size": 2}) == [3, 3]
    assert found({"rating": "5"}) == [5]
    assert found({"status": "pending"}) == []
    assert found({"status": "pending"}, client_of(pending.author)) == [1]
    assert ShopClient().get(path_of(product), {"status": "lost"}).status_code == 400
    assert ShopClient().get(path_of(product), {"rating": "6"}).status_code == 400


@pytest.mark.parametrize(
    ("role", "status"),
    [("support", 200), ("warehouse", 200), ("manager", 200), ("admin", 200), ("customer", 403)],
)
def test_staff_list_the_reviews_of_all_products(variant, role, status):
    first, second = approved(variant, 5), review_elsewhere()
    client = client_of(StaffFactory(role=role))

    response = client.get("/api/catalog/reviews/")

    assert response.status_code == status
    if status == 200:
        assert [row["id"] for row in payload(response)["results"]] == [second.pk, first.pk]

        def found(query):
            rows = payload(client.get("/api/catalog/reviews/", query))["results"]
            return [row["id"] for row in rows]

        assert found({"status": "pending"}) == [second.pk]
        assert found({"product": first.product_id}) == [first.pk]
        assert found({"product": second.product.slug}) == [second.pk]
        assert found({"rating": "1"}) == []
    assert ShopClient().get("/api/catalog/reviews/").status_code == 401


def review_elsewhere():
    variant = VariantFactory(stock=5)
    return review(variant.product, receiver(variant))


def test_lists_of_reviews_cost_the_same_with_one_row_and_with_ten(variant, product):
    worker = manager()

    def cost(path, user):
        user = user and User.objects.get(pk=user.pk)
        with CaptureQueriesContext(connection) as queries:
            assert client_of(user).get(path).status_code == 200
        return len(queries)

    def costs():
        return [
            cost(reviews_of(product), None),
            cost(reviews_of(product), worker),
            cost("/api/catalog/reviews/", worker),
        ]

    written = approved(variant, 5)
    one = costs()
    Review.objects.bulk_create(
        Review(product=product, author=UserFactory(), rating=4, text="x", status="approved")
        for _ in range(9)
    )

    assert costs() == one
    assert one[0] == 3
    assert payload(ShopClient().get(reviews_of(written.product)))["count"] == 10


# --- deciding


@pytest.mark.parametrize(
    ("role", "status"),
    [("support", 200), ("manager", 200), ("admin", 200), ("warehouse", 403), ("customer", 403)],
)
@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_moderators_decide_and_nobody_else(variant, product, role, status, verdict):
    written = review(product, receiver(variant))

    response = decide(written, verdict, StaffFactory(role=role), reason="Rude.")

    assert response.status_code == status
    written.refresh_from_db()
    final = {"approve": "approved", "reject": "rejected"}[verdict]
    assert written.status == (final if status == 200 else "pending")


def test_an_author_does_not_approve_their_own_review(variant, product):
    written = review(product, receiver(variant))

    assert decide(written, "approve", written.author).status_code == 403


def test_a_rejected_review_is_shown_to_its_author_with_the_reason(path_of, variant, product):
    written = review(product, receiver(variant))

    assert decide(written, "reject").status_code == 400
    assert decide(written, "reject", reason="It names a person.").status_code == 200

    own = payload(client_of(written.author).get(path_of(product, written.pk)))
    assert (own["status"], own["rejection_reason"]) == ("rejected", "It names a person.")
    assert ShopClient().get(path_of(product, written.pk)).status_code == 404
    assert rating_of(product) == (None, 0)


def test_a_moderator_decides_about_the_text_that_was_read(variant, product):
    written = review(product, receiver(variant))
    change = {"text": "Something else entirely."}
    client_of(written.author).patch(reviews_of(product, written.pk), change, format="json")

    response = decide(written, "approve")

    assert refused(response, 409, "review_changed")
    assert response.json()["params"] == {"revision": 2}
    assert payload(ShopClient().get(reviews_of(product)))["count"] == 0


def test_what_is_decided_so_already_is_refused_and_the_other_way_is_open(variant, product):
    written = approved(variant, 5)

    assert refused(decide(written, "approve"), 409, "illegal_review_transition")
    assert decide(written, "reject", reason="Paid for.").status_code == 200
    assert rating_of(product) == (None, 0)
    assert decide(written, "approve").status_code == 200
    assert rating_of(product) == ("5.00", 1)


# --- changing


def test_an_edit_waits_for_a_moderator_again_and_counts_no_longer(path_of, variant, product):
    written = approved(variant, 5)
    approved(variant, 2)
    assert rating_of(product) == ("3.50", 2)

    response = client_of(written.author).patch(
        path_of(product, written.pk), {"rating": 1}, format="json"
    )

    changed = payload(response)
    assert (changed["status"], changed["rating"], changed["revision"]) == ("pending", 1, 2)
    assert changed["text"] == SAID["text"]
    assert rating_of(product) == ("2.00", 1)
    written.refresh_from_db()
    assert decide(written, "approve").status_code == 200
    assert rating_of(product) == ("1.50", 2)


def test_put_says_all_of_it(path_of, variant, product):
    written = review(product, receiver(variant))
    client = client_of(written.author)

    assert client.put(path_of(product, written.pk), {"rating": 1}, format="json").status_code == 400
    response = client.put(path_of(product, written.pk), {"rating": 1, "text": "No."}, format="json")
    assert response.status_code == 200
    assert client.get(path_of(product, written.pk)).status_code == 200


def test_a_stale_edit_is_refused(variant, product):
    written = review(product, receiver(variant))
    client, path = client_of(written.author), reviews_of(product, written.pk)
    etag = client.get(path).headers["ETag"]
    client.patch(path, {"rating": 2}, format="json")

    response = client.patch(path, {"rating": 3}, format="json", headers={"If-Match": etag})

    assert response.status_code == 412


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_nobody_touches_the_review_of_another(path_of, variant, product, method):
    shown, hidden = approved(variant, 5), review(product, receiver(variant))
    client = client_of(receiver(variant))

    def touch(client, written):
        return getattr(client, method)(path_of(product, written.pk), SAID, format="json")

    assert refused(touch(client, shown), 403, "not_your_review")
    assert touch(client, hidden).status_code == 404
    assert touch(ShopClient(), shown).status_code == 401
    support = client_of(StaffFactory(role="support"))
    assert refused(touch(support, shown), 403, "not_your_review")
    if method != "delete":
        assert refused(touch(client_of(manager()), shown), 403, "not_your_review")
    assert Review.objects.count() == 2


def test_author_and_manager_remove_a_review(path_of, variant, product):
    first, second = approved(variant, 5), approved(variant, 3)

    removed = client_of(first.author).delete(path_of(product, first.pk))

    assert removed.status_code in {200, 204}
    assert rating_of(product) == ("3.00", 1)
    client_of(manager()).delete(path_of(product, second.pk))
    assert rating_of(product) == (None, 0)
    review(product, first.author)  # and may be written anew


@pytest.mark.parametrize("name", ["0", "99999999999999999999", "abc", "1"])
def test_a_review_that_is_none_is_not_there(path_of, product, name):
    response = ShopClient().get(path_of(product, name))

    assert refused(response, 404, "review_not_found")


def test_a_review_is_not_found_under_another_product(path_of, variant):
    written = approved(variant, 5)

    assert ShopClient().get(path_of(ProductFactory(), written.pk)).status_code == 404


# --- counting


@pytest.mark.parametrize(
    ("ratings", "shown"),
    [((5,), "5.00"), ((1, 2), "1.50"), ((5, 5, 4), "4.67"), ((1, 1, 2), "1.33")],
)
def test_the_rating_is_the_average_rounded_half_up(variant, product, ratings, shown):
    for rating in ratings:
        approved(variant, rating)

    assert rating_of(product) == (shown, len(ratings))


def test_products_are_ordered_and_narrowed_by_rating_and_a_walk_skips_none(manager_client):
    rated = [ProductFactory(name=f"P{number}") for number in range(7)]
    for product, rating in zip(rated, [500, 300, 500, 0, 0, 420, 300], strict=True):
        count = int(rating > 0)
        Product.objects.filter(pk=product.pk).update(rating_hundredths=rating, review_count=count)
    path = "/api/catalog/products/"

    assert names(manager_client.get(path, {"ordering": "-rating"})) == [
        "P2",
        "P0",
        "P5",
        "P6",
        "P1",
        "P4",
        "P3",
    ]
    assert names(manager_client.get(path, {"min_rating": "4", "ordering": "name"})) == [
        "P0",
        "P2",
        "P5",
    ]
    seen = []
    answer = payload(
        manager_client.get(path, {"ordering": "-rating", "cursor": "", "page_size": 2})
    )
    seen += [row["name"] for row in answer["results"]]
    ProductFactory(name="New")  # unrated, and newer than the rest
    Product.objects.filter(name="P0").update(rating_hundredths=0, review_count=0)
    while answer["next"]:
        answer = payload(manager_client.get(answer["next"]))
        seen += [row["name"] for row in answer["results"]]
    assert seen[:2] == ["P2", "P0"]
    assert seen[2:] == ["P5", "P6", "P1", "New", "P4", "P3", "P0"]
    assert manager_client.get(path, {"min_rating": "9"}).status_code == 400


@pytest.fixture
def manager_client():
    return client_of(manager())


# --- the person


def test_reviews_are_in_the_export(variant, product):
    written = review(product, receiver(variant))

    exported = ReviewRecords().export(user_id=written.author_id)

    assert exported["reviews"] == [
        {
            "product": product.name,
            "rating": 5,
            "title": "Bright",
            "text": "It lights the room.",
            "status": "pending",
            "rejection_reason": "",
            "at": written.created_at.isoformat(),
        }
    ]


def test_a_deleted_account_leaves_its_published_stars_and_no_word(variant, product):
    written = approved(variant, 4, first_name="Carla", last_name="Customer")
    other = VariantFactory(stock=5)
    place_and_deliver(written.author, (other, 1))
    unpublished = review(other.product, written.author)
    author = User.objects.get(pk=written.author.pk)
    author.set_password("a-long-pass-phrase")
    author.save(update_fields=["password"])

    response = client_of(author).delete(
        "/api/accounts/user/", {"current_password": "a-long-pass-phrase"}, format="json"
    )

    assert response.status_code == 200, response.json()
    shown = payload(ShopClient().get(reviews_of(product)))["results"]
    assert [(row["author_name"], row["title"], row["text"]) for row in shown] == [
        ("Customer", "", "")
    ]
    assert Review.objects.get(pk=written.pk).author is None
    assert not Review.objects.filter(pk=unpublished.pk).exists()
    assert rating_of(product) == ("4.00", 1)


# --- the admin


@pytest.fixture
def desk(client):
    client.force_login(StaffFactory(role="support"))
    return client


def page(name, *arguments):
    return reverse(f"admin:catalog_review_{name}", args=arguments)


def test_the_admin_shows_reviews_and_rewrites_none(desk, variant, product):
    written = review(product, receiver(variant))

    assert desk.get(page("changelist"), {"q": product.name}).status_code == 200
    assert desk.get(page("changelist"), {"status__exact": "pending"}).status_code == 200
    shown = desk.get(page("change", written.pk))
    assert SAID["text"] in shown.content.decode()
    assert b'name="_save"' not in shown.content
    assert desk.get(page("add")).status_code == 403
    assert desk.post(page("delete", written.pk)).status_code == 403


def test_a_moderator_approves_and_rejects_in_the_admin(desk, variant, product):
    written = review(product, receiver(variant))
    url = f"{page('changelist')}{written.pk}/{{}}/"

    assert SAID["text"] in desk.get(url.format("approve"), follow=True).content.decode()
    desk.post(url.format("approve"), {"revision": 1})
    assert rating_of(product) == ("5.00", 1)
    desk.post(url.format("reject"), {"revision": 1, "reason": "Paid for."})

    written.refresh_from_db()
    assert (written.status, written.rejection_reason) == ("rejected", "Paid for.")
    stale = desk.post(url.format("approve"), {"revision": 9})
    assert "was changed" in stale.content.decode()
    assert rating_of(product) == (None, 0)


def test_the_first_page_shows_what_waits(desk, variant, product):
    written = review(product, receiver(variant))

    shown = desk.get(reverse("admin:index")).content.decode()

    assert page("change", written.pk) in shown
