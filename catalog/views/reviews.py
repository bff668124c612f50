from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import signed_in
from catalog import errors, selectors, serializers, services
from catalog.filters import ProductReviewFilter, ReviewFilter
from catalog.models import Product, Review
from catalog.views.keys import PRODUCT, get_by_key
from shop_backend.kernel import idempotency
from shop_backend.kernel.access import ANYONE, SIGNED_IN, may
from shop_backend.kernel.views import ShopViewSet

TAGS = ["catalog"]
_NOT_YOURS = {403: "It is somebody else's review."}
_DECIDED = "It was decided so already, or its author has changed it since that revision."


class _ReviewView(ShopViewSet):
    """What lists of reviews have in common."""

    serializer_class = serializers.ReviewSerializer
    orderings = {"created_at": "id", "rating": "rating"}
    default_ordering = ("-id",)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "user": self.request.user}


class ModerationViewSet(mixins.ListModelMixin, _ReviewView):
    """The reviews of all products, for those who moderate them."""

    filterset_class = ReviewFilter
    access = {"list": may("catalog.view_review")}

    def get_queryset(self) -> QuerySet[Review]:
        return Review.objects.select_related("author", "product")

    @swagger_auto_schema(operation_id="catalog_all_reviews_list", tags=TAGS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the reviews of all products, the newest first; `?status=pending` waits."""
        return super().list(request, *args, **kwargs)


class ReviewViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, _ReviewView):
    """The reviews of one product. Until approved, only its author and staff see one."""

    filterset_class = ProductReviewFilter
    may_read_replica = True
    access = {
        "list": ANYONE,
        "retrieve": ANYONE,
        "create": SIGNED_IN,
        "update": SIGNED_IN,
        "partial_update": SIGNED_IN,
        "destroy": SIGNED_IN,
        "approve": may("catalog.moderate_review"),
        "reject": may("catalog.moderate_review"),
    }
    messages = {
        "create": "Thank you. The review is shown once it is approved.",
        "update": "The review was saved; it is shown once it is approved.",
        "partial_update": "The review was saved; it is shown once it is approved.",
        "destroy": "The review was removed.",
        "approve": "The review is shown.",
        "reject": "The review is not shown.",
    }
    etag_actions = frozenset({"list", "retrieve"})

    def get_queryset(self) -> QuerySet[Review]:
        if getattr(self, "swagger_fake_view", False):
            return Review.objects.none()
        reviews = Review.objects.visible_to(self.request.user).filter(product=self._product())
        return reviews.select_related("author", "product")

    def get_object(self) -> Review:
        number = selectors.id_of(self.kwargs["pk"]) or 0
        review = self.get_queryset().filter(pk=number).first()
        if review is None:
            raise errors.ReviewNotFound
        return review

    @swagger_auto_schema(
        operation_id="catalog_reviews_list", tags=TAGS, manual_parameters=[PRODUCT]
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the approved reviews of a product, and one's own; staff see all."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="catalog_reviews_read", tags=TAGS, manual_parameters=[PRODUCT]
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show a review."""
        return super().retrieve(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="catalog_reviews_create",
        tags=TAGS,
        manual_parameters=[PRODUCT],
        request_body=serializers.ReviewRequestSerializer,
        responses={
            201: serializers.ReviewSerializer,
            409: "You have not received the product, or have reviewed it.",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Review a product that was delivered to you; a moderator approves it."""
        product = self._product()
        form = serializers.ReviewRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)

        def effect() -> Response:
            review = services.write_review(
                product=product,
                author=signed_in(request),
                **form.validated_data,
            )
            return Response(self.representation(review), status=status.HTTP_201_CREATED)

        return idempotency.perform(request, operation="catalog.write_review", effect=effect)

    @swagger_auto_schema(
        operation_id="catalog_reviews_update",
        tags=TAGS,
        manual_parameters=[PRODUCT],
        request_body=serializers.ReviewRequestSerializer,
        responses={200: serializers.ReviewSerializer, **_NOT_YOURS},
    )
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change your review; it waits for a moderator again."""
        return self._change(request, is_partial=False)

    @swagger_auto_schema(
        operation_id="catalog_reviews_partial_update",
        tags=TAGS,
        manual_parameters=[PRODUCT],
        request_body=serializers.ReviewRequestSerializer,
        responses={200: serializers.ReviewSerializer, **_NOT_YOURS},
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change some of your review; it waits for a moderator again."""
        return self._change(request, is_partial=True)

    @swagger_auto_schema(
        operation_id="catalog_reviews_delete",
        tags=TAGS,
        manual_parameters=[PRODUCT],
        responses=_NOT_YOURS,
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove your review; managers remove any."""
        review = self.get_object()
        if not request.user.has_perm("catalog.delete_review"):
            self._refuse_others(review)
        self.check_if_match(review)
        services.delete_review(review=review)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @swagger_auto_schema(
        operation_id="catalog_reviews_approve",
        tags=TAGS,
        manual_parameters=[PRODUCT],
        request_body=serializers.ApprovalSerializer,
        responses={200: serializers.ReviewSerializer, 409: _DECIDED},
    )
    def approve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show the review to everybody and count its rating."""
        form = serializers.ApprovalSerializer(data=request.data)
        return self._moderate(form, services.approve_review)

    @swagger_auto_schema(
        operation_id="catalog_reviews_reject",
        tags=TAGS,
        manual_parameters=[PRODUCT],
        request_body=serializers.RejectionSerializer,
        responses={200: serializers.ReviewSerializer, 409: _DECIDED},
    )
    def reject(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show the review to its author alone, with the reason."""
        form = serializers.RejectionSerializer(data=request.data)
        return self._moderate(form, services.reject_review)

    def _product(self) -> Product:
        products = Product.objects.visible_to(self.request.user)
        product: Product = get_by_key(products, self.kwargs["product"])
        return product

    def _change(self, request: Request, *, is_partial: bool) -> Response:
        review = self.get_object()
        self._refuse_others(review)
        self.check_if_match(review)
        form = serializers.ReviewRequestSerializer(data=request.data, partial=is_partial)
        form.is_valid(raise_exception=True)
        return self._fresh(services.edit_review(review=review, fields=form.validated_data))

    def _moderate(self, form: Any, act: Any) -> Response:
        review = self.get_object()
        form.is_valid(raise_exception=True)
        moderator_id = self.request.user.pk
        return self._fresh(act(review=review, moderator_id=moderator_id, **form.validated_data))

    def _refuse_others(self, review: Review) -> None:
        if review.author_id != self.request.user.pk:
            raise errors.NotYourReview

    def _fresh(self, review: Review) -> Response:
        return Response(self.representation(get_object_or_404(self.get_queryset(), pk=review.pk)))
