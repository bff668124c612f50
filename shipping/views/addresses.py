"""The address book over HTTP."""

from typing import Any

from django.db.models import QuerySet
from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import signed_in
from shipping import services
from shipping.models import Address
from shipping.serializers import (
    AddressSerializer,
)
from shop_backend.kernel import idempotency
from shop_backend.kernel.access import SIGNED_IN
from shop_backend.kernel.views import ShopViewSet

_TAGS = ["shipping"]


class AddressViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ShopViewSet):
    """The signed-in user's address book. Other people's addresses do not exist here: 404."""

    queryset = Address.objects.none()
    lookup_value_converter = "int"
    serializer_class = AddressSerializer
    access = {
        "list": SIGNED_IN,
        "create": SIGNED_IN,
        "retrieve": SIGNED_IN,
        "update": SIGNED_IN,
        "partial_update": SIGNED_IN,
        "destroy": SIGNED_IN,
    }
    messages = {
        "create": "Address added.",
        "update": "Address saved.",
        "partial_update": "Address saved.",
        "destroy": "Address deleted.",
    }
    orderings = {"created_at": "created_at", "id": "pk"}

    def get_queryset(self) -> QuerySet[Address]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Address.objects.for_customer(self.request.user)

    @swagger_auto_schema(operation_id="shipping_addresses_list", tags=_TAGS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List your addresses, the newest first."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="shipping_addresses_create",
        tags=_TAGS,
        request_body=AddressSerializer,
        responses={
            201: AddressSerializer,
            409: "The address book is full (50 addresses).",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    def create(self, request: Request) -> Response:
        """Add an address; the first becomes your default."""
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        owner = signed_in(request)

        def add() -> Response:
            address = services.add_address(user=owner, fields=body.validated_data)
            return Response(self.get_serializer(address).data, status=201)

        return idempotency.perform(request, operation="shipping.add_address", effect=add)

    @swagger_auto_schema(operation_id="shipping_addresses_read", tags=_TAGS)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show one of your addresses."""
        return super().retrieve(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="shipping_addresses_update",
        tags=_TAGS,
        request_body=AddressSerializer,
        responses={200: AddressSerializer, 409: "A default cannot be given up for none."},
    )
    def update(self, request: Request, pk: int) -> Response:
        """Replace one of your addresses."""
        return self._change(request, self.get_serializer(self.get_object(), data=request.data))

    @swagger_auto_schema(
        operation_id="shipping_addresses_partial_update",
        tags=_TAGS,
        request_body=AddressSerializer,
        responses={200: AddressSerializer, 409: "A default cannot be given up for none."},
    )
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change some fields of one of your addresses."""
        address = self.get_object()
        return self._change(request, self.get_serializer(address, data=request.data, partial=True))

    @swagger_auto_schema(
        operation_id="shipping_addresses_delete", tags=_TAGS, responses={200: "Deleted."}
    )
    def destroy(self, request: Request, pk: int) -> Response:
        """Delete one of your addresses; the newest other becomes the default if this was it."""
        owner = signed_in(request)
        services.delete_address(user=owner, address_id=self.get_object().pk)
        return Response(status=204)

    def lock(self, instance: Address) -> None:
        services.lock_book(instance.user_id)

    def _change(self, request: Request, body: Any) -> Response:
        body.is_valid(raise_exception=True)
        address = services.change_address(
            user=signed_in(request),
            address_id=body.instance.pk,
            fields=body.validated_data,
        )
        return Response(self.get_serializer(address).data)
