"""Several people at one product's reviews, on a real PostgreSQL."""

from functools import partial

import pytest

from accounts.tests.factories import UserFactory
from catalog import services
from catalog.models import Product, Review
from catalog.tests.factories import ProductFactory, VariantFactory
from catalog.tests.test_concurrency import at_once
from orders.tests.trade import buyer, place_and_deliver
from shop_backend.invariants.catalogue import products_beside_their_reviews

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


def written(product, rating=4, **kwargs):
    return Review.objects.create(
        product=product, author=UserFactory(), rating=rating, text="Good.", **kwargs
    )


def test_two_first_reviews_at_once_are_one():
    variant, user = VariantFactory(stock=10), buyer()
    place_and_deliver(user, (variant, 1))
    write = partial(services.write_review, product=variant.product, author=user, text="Good.")

    outcomes = at_once([partial(write, rating=1 + number % 5) for number in range(6)])

    assert sorted(outcomes, key=str) == [None, *["review_exists"] * 5]
    assert Review.objects.count() == 1


def test_approved_at_once_they_all_count():
    for _ in range(10):
        product = ProductFactory()
        reviews = [written(product, rating) for rating in (1, 2, 3, 4, 5, 5)]

        at_once(
            [
                partial(services.approve_review, review=review, revision=1, moderator_id=1)
                for review in reviews
            ]
        )

        product.refresh_from_db()
        assert (product.rating_hundredths, product.review_count) == (333, 6)


def test_an_approval_never_publishes_the_text_that_an_edit_brought_meanwhile():
    for _ in range(15):
        review = written(ProductFactory())

        outcomes = at_once(
            [
                partial(services.approve_review, review=review, revision=1, moderator_id=1),
                partial(services.edit_review, review=review, fields={"text": "Unread."}),
            ]
        )

        review.refresh_from_db()
        assert (review.status, review.text) == (Review.Status.PENDING, "Unread.")
        assert outcomes[1] is None
        assert outcomes[0] in {None, "review_changed"}
        assert not products_beside_their_reviews().exists()


def test_deleted_approved_and_edited_at_once_the_rating_is_what_stands():
    for _ in range(10):
        product = ProductFactory()
        reviews = [written(product, rating) for rating in (1, 2, 3, 4, 5, 5)]
        for review in reviews[:3]:
            services.approve_review(review=review, revision=1, moderator_id=1)

        at_once(
            [
                partial(services.delete_review, review=reviews[0]),
                partial(services.edit_review, review=reviews[1], fields={"rating": 5}),
                partial(services.forget_reviewer, user_id=reviews[2].author_id),
                partial(services.approve_review, review=reviews[3], revision=1, moderator_id=1),
                partial(services.approve_review, review=reviews[4], revision=1, moderator_id=1),
                partial(services.forget_reviewer, user_id=reviews[5].author_id),
            ]
        )

        assert Product.objects.get(pk=product.pk).review_count == 3
        assert not products_beside_their_reviews().exists()
