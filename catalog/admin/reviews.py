from typing import Any

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from unfold.decorators import action

from catalog import services
from catalog.models import Review
from catalog.models.reviews import MAX_REASON
from shop_backend.kernel.admin import ReadOnlyAdmin
from shop_backend.kernel.forms import ThemedForm


class ApprovalForm(ThemedForm, forms.Form):
    """Which of the author's versions was on the page; a later one has to be read first."""

    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any, *, review: Review) -> None:
        super().__init__(data, initial={"revision": review.revision})


class RejectionForm(ApprovalForm):
    reason = forms.CharField(
        max_length=MAX_REASON, widget=forms.Textarea, help_text="The author reads it."
    )


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    """What customers say: read here, and approved or rejected one at a time, as it was read."""

    list_display = ["__str__", "product", "rating", "status", "author_name", "created_at"]
    list_filter = ["status", "rating", "created_at"]
    list_select_related = ["product", "author"]
    search_fields = ["title", "text", "product__name", "product__slug"]
    search_help_text = "Title, text or product"
    date_hierarchy = "created_at"
    fields = [
        ("product", "rating"),
        "title",
        "text",
        ("author", "author_name"),
        ("status", "rejection_reason"),
        ("created_at", "updated_at"),
        ("moderator_id", "moderated_at"),
    ]
    readonly_fields = ["author_name"]
    actions_detail = ["approve", "reject"]

    @action(description="Approve", url_path="approve", permissions=["moderate"])
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        review = self._find(request, object_id)
        moderator_id: Any = request.user.pk

        def act(answers: dict[str, Any]) -> str:
            services.approve_review(
                review=review, revision=answers["revision"], moderator_id=moderator_id
            )
            return f"{review} is shown."

        return self.form_page(
            request,
            row=review,
            title=f"Approve “{review}”: {review.rating} of 5. {review.text[:300]}",
            form=lambda data: ApprovalForm(data, review=review),
            submit="Approve",
            act=act,
        )

    @action(description="Reject", url_path="reject", permissions=["moderate"])
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        review = self._find(request, object_id)
        moderator_id: Any = request.user.pk

        def act(answers: dict[str, Any]) -> str:
            services.reject_review(
                review=review,
                reason=answers["reason"],
                revision=answers["revision"],
                moderator_id=moderator_id,
            )
            return f"{review} is not shown."

        return self.form_page(
            request,
            row=review,
            title=f"Reject “{review}”",
            form=lambda data: RejectionForm(data, review=review),
            submit="Reject",
            act=act,
        )

    def has_moderate_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Return whether this role approves and rejects."""
        return request.user.has_perm("catalog.moderate_review")

    def _find(self, request: HttpRequest, object_id: str) -> Review:
        review: Review | None = self.get_object(request, object_id)
        if review is None:
            raise Http404
        return review
