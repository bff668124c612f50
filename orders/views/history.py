"""An order's history, and the notes of the staff on it."""

from functools import partial
from typing import Any

from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import signed_in
from orders import services
from orders.models import OrderEvent, OrderNote
from orders.serializers import NoteSerializer, OrderEventSerializer, WriteNoteSerializer
from orders.views.finding import visible_order
from shop_backend.kernel import idempotency
from shop_backend.kernel.access import SIGNED_IN
from shop_backend.kernel.errors import ObjectNotFound
from shop_backend.kernel.views import ShopViewSet


class OrderEventViewSet(mixins.ListModelMixin, ShopViewSet):
    """What happened to an order, when, and by whom."""

    access = {"list": SIGNED_IN}
    serializer_class = OrderEventSerializer
    default_ordering = ("pk",)

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return OrderEvent.objects.none()
        events = OrderEvent.objects.filter(order=visible_order(self))
        return events.visible_to(self.request.user)

    @swagger_auto_schema(operation_id="orders_events", tags=["orders"])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The order's history."""
        return super().list(request, *args, **kwargs)


class NoteViewSet(ShopViewSet):
    """Notes of the staff on an order; the order shows them."""

    access = {"create": SIGNED_IN}
    messages = {"create": "Note added."}
    serializer_class = NoteSerializer
    queryset = OrderNote.objects.none()

    @swagger_auto_schema(
        operation_id="orders_notes_create",
        tags=["orders"],
        request_body=WriteNoteSerializer,
        responses={
            201: NoteSerializer,
            403: "Staff only.",
            404: "No such order.",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    def create(self, request: Request, name: str) -> Response:
        """Write a note on an order (staff): internal, or to the customer."""
        order = visible_order(self)
        user = signed_in(request)
        if not user.has_perm("orders.add_ordernote"):
            self.permission_denied(request)
        body = WriteNoteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return idempotency.perform(
            request,
            operation="orders.note",
            effect=partial(self._write, order.number, user.pk, body.validated_data),
            again=self._again,
        )

    def _write(self, number: str, author_id: int, said: dict[str, Any]) -> Response:
        note = services.add_note(number=number, author_id=author_id, **said)
        return Response(NoteSerializer(note).data, status=201)

    def _again(self, pk: int) -> Response:
        try:
            note = OrderNote.objects.get(pk=pk)
        except OrderNote.DoesNotExist as error:  # gone with the customer's account
            raise ObjectNotFound from error
        return Response(NoteSerializer(note).data)
