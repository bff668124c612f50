"""What the catalogue answers to the apps below; bound in shop_backend/wiring.py."""

from typing import Any

from catalog import services
from catalog.models import Review


class ReviewRecords:
    """Answers accounts: what do you hold about this person, and forget it."""

    def export(self, *, user_id: int) -> dict[str, Any]:
        """Return the person's reviews with what became of them."""
        reviews = Review.objects.filter(author_id=user_id).select_related("product").order_by("pk")
        return {
            "reviews": [
                {
                    "product": review.product.name,
                    "rating": review.rating,
                    "title": review.title,
                    "text": review.text,
                    "status": str(review.status),
                    "rejection_reason": review.rejection_reason,
                    "at": review.created_at.isoformat(),
                }
                for review in reviews
            ]
        }

    def forget(self, *, user_id: int) -> None:
        """Keep the stars of what is published, without words or author; delete the rest."""
        services.forget_reviewer(user_id=user_id)
