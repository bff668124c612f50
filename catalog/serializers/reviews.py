"""Reviews, in and out."""

from typing import Any

from rest_framework import serializers

from catalog.models import Review
from catalog.models.reviews import MAX_RATING, MAX_REASON, MAX_TEXT, MAX_TITLE, MIN_RATING
from catalog.serializers import fields
from shop_backend.kernel.fields import HundredthsField

MAX_REVISION = 2**31 - 1


class RatingField(HundredthsField):
    """The average of a product's approved reviews; null without any."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            source="rating_hundredths",
            allow_null=True,
            read_only=True,
            help_text="The average of its approved reviews, 1.00 to 5.00; null without any.",
            **kwargs,
        )

    def get_attribute(self, instance: Any) -> Any:
        return super().get_attribute(instance) or None


class ReviewSerializer(serializers.ModelSerializer[Review]):
    """Needs ``user`` in its context."""

    product = serializers.IntegerField(source="product_id")
    product_name = serializers.CharField(source="product.name")
    author_name = serializers.CharField(
        help_text="First name and the initial of the last, or Customer."
    )
    is_mine = serializers.SerializerMethodField(help_text="Whether the caller wrote it.")
    revision = serializers.IntegerField(help_text="Which of its author's versions this is.")
    rejection_reason = serializers.SerializerMethodField(
        help_text="Why it is not shown; null where it was not rejected."
    )

    class Meta:
        model = Review
        fields = [
            "id",
            "product",
            "product_name",
            "rating",
            "title",
            "text",
            "author_name",
            "is_mine",
            "status",
            "rejection_reason",
            "revision",
            "created_at",
            "updated_at",
        ]

    def get_is_mine(self, review: Review) -> bool:
        user = self.context["user"]
        return bool(user.is_authenticated and review.author_id == user.pk)

    def get_rejection_reason(self, review: Review) -> str | None:
        return review.rejection_reason or None


class ReviewRequestSerializer(serializers.Serializer[Any]):
    rating = serializers.IntegerField(min_value=MIN_RATING, max_value=MAX_RATING)
    title = fields.LineField(max_length=MAX_TITLE, required=False, allow_blank=True)
    text = serializers.CharField(max_length=MAX_TEXT)


class ApprovalSerializer(serializers.Serializer[Any]):
    revision = serializers.IntegerField(
        min_value=1, max_value=MAX_REVISION, help_text="The revision that was read."
    )


class RejectionSerializer(ApprovalSerializer):
    reason = fields.LineField(max_length=MAX_REASON, help_text="The author reads it.")
