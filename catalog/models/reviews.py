"""What customers say about products that they received."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.errors import IllegalReviewTransition
from catalog.models.products import Product

MIN_RATING = 1
MAX_RATING = 5
MAX_TITLE = 100
MAX_TEXT = 5_000
MAX_REASON = 500
NOBODY = "Customer"


class ReviewQuerySet(models.QuerySet["Review"]):
    def approved(self) -> "ReviewQuerySet":
        """Return what everybody may read."""
        return self.filter(status=Review.Status.APPROVED)

    def visible_to(self, user: Any) -> "ReviewQuerySet":
        """Return what this user may read: staff all, others the approved ones and their own."""
        if not user.is_authenticated:
            return self.approved()
        if user.has_perm("catalog.view_review"):
            return self
        return self.filter(Q(status=Review.Status.APPROVED) | Q(author_id=user.pk))


class Review(models.Model):
    """One customer's opinion of one product; shown once a moderator has approved it."""

    class Status(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        REJECTED = "rejected"

    # Back to pending by an edit of its author; a moderator may think again.
    TRANSITIONS: ClassVar[dict[str, set[str]]] = {
        Status.PENDING: {Status.PENDING, Status.APPROVED, Status.REJECTED},
        Status.APPROVED: {Status.PENDING, Status.REJECTED},
        Status.REJECTED: {Status.PENDING, Status.APPROVED},
    }

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="reviews")
    # Null: the account was deleted; the stars stay, and title and text are empty.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="reviews",
    )
    rating = models.PositiveSmallIntegerField(help_text="1 to 5.")
    title = models.CharField(max_length=MAX_TITLE, blank=True, default="")
    text = models.TextField(max_length=MAX_TEXT)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    # Counts the author's versions: a moderator decides about the one that was read.
    revision = models.PositiveIntegerField(default=1)
    rejection_reason = models.CharField(max_length=MAX_REASON, blank=True, default="")
    moderator_id = models.BigIntegerField(null=True, blank=True)
    moderated_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "author"], name="review_once_a_customer"),
            models.CheckConstraint(
                condition=Q(rating__gte=MIN_RATING, rating__lte=MAX_RATING),
                name="review_rating_in_bounds",
            ),
        ]
        indexes = [
            models.Index(fields=["product", "status", "-id"], name="review_by_age"),
            models.Index(fields=["product", "status", "rating", "id"], name="review_by_rating"),
            models.Index(fields=["status", "-id"], name="review_to_moderate"),
        ]
        permissions = [("moderate_review", "Can approve and reject reviews")]

    def __str__(self) -> str:
        return self.title or f"Review {self.pk}"

    @property
    def author_name(self) -> str:
        """The author as others see them: ``Carla C.``, never an email or a login name."""
        first = self.author.first_name.strip() if self.author else ""
        last = self.author.last_name.strip() if self.author else ""
        if not first:
            return NOBODY
        return f"{first} {last[0].upper()}." if last else first

    def transition_to(self, status: str) -> None:
        """Move to another status; the caller holds the row's lock and saves.

        :raises IllegalReviewTransition: the present status does not lead there.
        """
        allowed = self.TRANSITIONS[self.status]
        if status not in allowed:
            raise IllegalReviewTransition(
                current=str(self.status),
                wanted=str(status),
                allowed=", ".join(sorted(str(step) for step in allowed)),
            )
        self.status = status
