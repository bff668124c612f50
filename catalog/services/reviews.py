"""Reviews: written by those who received the product, shown once a moderator approves.

Every change locks the product first and the review second; before them its author, where it is
theirs. So the changes of one product's
reviews come one after the other, and its rating is counted over what really stands.
"""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, F, OuterRef, PositiveIntegerField, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import selectors as accounts
from accounts.errors import InvalidToken
from accounts.models import User
from catalog import errors, ports
from catalog.models import Product, Review
from shop_backend.kernel import transactions


@transactions.use_case
def write_review(
    *, product: Product, author: User, rating: int, text: str, title: str = ""
) -> Review:
    """Add the author's review of a product they received; it waits for a moderator.

    :param rating: 1 to 5.
    :raises ReviewNeedsDelivery: no unit of the product reached the author and stayed.
    :raises ReviewExists: the author has reviewed the product.
    :raises InvalidToken: the author's account has ended meanwhile.
    """
    accounts.hold_caller(user_id=author.pk)
    if Review.objects.filter(product=product, author=author).exists():
        raise errors.ReviewExists
    if not ports.deliveries.answerer.has_received(user_id=author.pk, product_id=product.pk):
        raise errors.ReviewNeedsDelivery
    review = Review(product=product, author=author, rating=rating, title=title, text=text)
    try:
        with transaction.atomic():
            review.save(force_insert=True)
    except IntegrityError as error:  # the same customer's other request was faster
        raise errors.ReviewExists from error
    return review


@transactions.use_case
def edit_review(*, review: Review, fields: Mapping[str, Any]) -> Review:
    """Change what the author said; it waits for a moderator again, and is not shown till then.

    :param fields: rating, title, text.
    :raises InvalidToken: the author's account has ended meanwhile.
    """
    if review.author_id is None:  # an ended account's, whose stars are kept
        raise InvalidToken
    accounts.hold_caller(user_id=review.author_id)
    review = _lock(review)
    review.transition_to(Review.Status.PENDING)
    for name, value in fields.items():
        setattr(review, name, value)
    review.revision += 1
    review.rejection_reason = ""
    review.updated_at = timezone.now()
    review.save(update_fields=[*fields, "status", "revision", "rejection_reason", "updated_at"])
    _recount([review.product_id])
    return review


@transactions.use_case
def approve_review(*, review: Review, revision: int, moderator_id: int) -> Review:
    """Show the review to everybody.

    :param revision: the version that the moderator read.
    :raises ReviewChanged: its author has changed it since.
    :raises IllegalReviewTransition: it is approved already.
    """
    return _moderate(review, Review.Status.APPROVED, "", revision, moderator_id)


@transactions.use_case
def reject_review(*, review: Review, reason: str, revision: int, moderator_id: int) -> Review:
    """Show the review to its author alone, with the reason.

    :param revision: the version that the moderator read.
    :raises ReviewChanged: its author has changed it since.
    :raises IllegalReviewTransition: it is rejected already.
    """
    return _moderate(review, Review.Status.REJECTED, reason, revision, moderator_id)


@transactions.use_case
def delete_review(*, review: Review) -> None:
    """Remove a review for good; its author may write another."""
    review = _lock(review)
    review.delete()
    _recount([review.product_id])


@transactions.use_case
def forget_reviewer(*, user_id: int) -> None:
    """Keep the stars of the person's published reviews, and nothing that the person wrote."""
    reviews = Review.objects.filter(author_id=user_id)
    product_ids = list(reviews.order_by("product_id").values_list("product_id", flat=True))
    list(Product.objects.select_for_update().filter(pk__in=product_ids).order_by("pk"))
    reviews.exclude(status=Review.Status.APPROVED).delete()
    reviews.update(author=None, title="", text="")  # who wrote it may stand in any text
    _recount(product_ids)


def rated(products: QuerySet[Product]) -> QuerySet[Product]:
    """Add what the products' approved reviews amount to: ``true_rating`` and ``true_count``."""
    return products.annotate(true_rating=_AVERAGE, true_count=_COUNT)


def _moderate(review: Review, status: str, reason: str, revision: int, moderator_id: int) -> Review:
    review = _lock(review)
    if review.revision != revision:
        raise errors.ReviewChanged(revision=review.revision)
    review.transition_to(status)
    review.rejection_reason = reason
    review.moderator_id = moderator_id
    review.moderated_at = timezone.now()
    review.save(update_fields=["status", "rejection_reason", "moderator_id", "moderated_at"])
    _recount([review.product_id])
    return review


@transactions.use_case
def recount_reviews(*, product_id: int) -> dict[str, tuple[int, int]]:
    """Take a product's rating and count from its approved reviews again.

    :returns: what was wrong: the column, what it said and what it says now.
    """
    Product.objects.select_for_update().only("pk").get(pk=product_id)
    rows: Any = rated(Product.objects.filter(pk=product_id))
    rating, true_rating, count, true_count = rows.values_list(
        "rating_hundredths", "true_rating", "review_count", "true_count"
    ).get()
    was_and_is = {
        "rating_hundredths": (rating, true_rating),
        "review_count": (count, true_count),
    }
    changed = {name: (was, now) for name, (was, now) in was_and_is.items() if was != now}
    if changed:
        _recount([product_id])
    return changed


def _lock(review: Review) -> Review:
    """Return the review as it is under its product's lock and its own.

    :raises ReviewNotFound: it was deleted meanwhile.
    """
    Product.objects.select_for_update().only("pk").get(pk=review.product_id)
    try:
        return Review.objects.select_for_update().get(pk=review.pk)
    except Review.DoesNotExist as error:
        raise errors.ReviewNotFound from error


def _recount(product_ids: list[int]) -> None:
    """Bring rating and count of the products in line; the caller holds their locks.

    A statement of its own after the lock: one that had waited for the row would count what it
    saw before the wait.
    """
    Product.objects.filter(pk__in=product_ids).update(
        rating_hundredths=_AVERAGE, review_count=_COUNT
    )


def _of_the_product(value: Any) -> Coalesce:
    approved = Review.objects.approved().filter(product=OuterRef("pk")).order_by()
    # values() first: one group, so that the subquery has one row, or none.
    grouped = approved.values("product").annotate(units=Count("pk"), stars=Sum("rating"))
    worth = grouped.annotate(worth=value).values("worth")
    return Coalesce(Subquery(worth, output_field=PositiveIntegerField()), 0)


# The average in hundredths, halves up, in whole numbers alone: what the databases make of a
# division differs, but not of one that leaves nothing over.
_DOUBLED = F("stars") * 200 + F("units")
_AVERAGE = _of_the_product((_DOUBLED - _DOUBLED % (F("units") * 2)) / (F("units") * 2))
_COUNT = _of_the_product(F("units"))
