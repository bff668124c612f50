"""A little shop of nothing, to see the kernel's manners."""

from typing import Any, ClassVar

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django_filters import rest_framework as filters
from rest_framework import exceptions, mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shop_backend.kernel import idempotency
from shop_backend.kernel.access import ANYONE, SIGNED_IN, may
from shop_backend.kernel.errors import BadInput, Conflict, Missing, Unavailable
from shop_backend.kernel.models import OutboxMessage
from shop_backend.kernel.views import ShopView, ShopViewSet


class OutOfTea(Conflict):
    code = "test_out_of_tea"
    message = "There are {left} cups of tea left."


class TeaTooHot(BadInput):
    code = "test_tea_too_hot"
    message = "The tea is too hot."
    field = "degrees"


class TeaMissing(Missing):
    code = "test_tea_missing"
    message = "There is no such tea."


class KettleDown(Unavailable):
    code = "test_kettle_down"
    message = "The kettle is being repaired."


REFUSALS: dict[str, Exception] = {
    "conflict": OutOfTea(left=3),
    "bad_input": TeaTooHot(),
    "missing": TeaMissing(),
    "unavailable": KettleDown(),
    "http404": Http404("secret detail"),
    "denied": PermissionDenied("secret detail"),
    "suspicious": SuspiciousOperation("secret detail"),
    "bad_request": BadRequest("secret detail"),
    "throttled": exceptions.Throttled(wait=41.2),
    "list": exceptions.ValidationError(["One.", "Two."]),
    "crash": RuntimeError("secret detail"),
}


class CupSerializer(serializers.Serializer):
    size = serializers.IntegerField(min_value=1)
    name = serializers.CharField(max_length=10, required=False)


class TraySerializer(serializers.Serializer):
    cups = CupSerializer(many=True)
    best = CupSerializer(required=False)


class EchoView(ShopView):
    """Says what it was told."""

    access = {"get": ANYONE, "post": ANYONE, "put": ANYONE, "delete": ANYONE}
    messages = {"post": "Said."}
    parameters = {"get": frozenset({"loud"})}

    def get(self, request: Request) -> Response:
        return Response({"loud": request.query_params.get("loud")})

    def post(self, request: Request) -> Response:
        return Response(request.data, status=201)

    def put(self, request: Request) -> Response:
        return Response(request.data)

    def delete(self, request: Request) -> Response:
        return Response(status=204)


class TrayView(ShopView):
    access = {"post": ANYONE}

    def post(self, request: Request) -> Response:
        body = TraySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(body.data)


class RefusalView(ShopView):
    access = {"get": ANYONE}

    def get(self, request: Request, name: str) -> Response:
        raise REFUSALS[name]


class LockedView(ShopView):
    access = {"get": SIGNED_IN, "post": may("kernel.view_outboxmessage")}

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.pk})

    def post(self, request: Request) -> Response:
        return Response({})


def crash(request: HttpRequest) -> HttpResponse:
    """Fall over outside of any API view."""
    raise RuntimeError("secret detail")


class MessageSerializer(serializers.ModelSerializer):
    class Meta:
        model = OutboxMessage
        fields = ["id", "kind", "attempts", "last_error"]


class MessageFilterSet(filters.FilterSet):
    attempts = filters.NumberFilter(min_value=0, max_value=32767)

    class Meta:
        model = OutboxMessage
        fields = ["kind"]


class MessageViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    ShopViewSet,
):
    serializer_class = MessageSerializer
    queryset = OutboxMessage.objects.all()
    lookup_value_converter = "int"
    filterset_class = MessageFilterSet
    orderings = {"kind": "kind", "attempts": "attempts", "sent_at": "sent_at"}
    access = {
        "list": ANYONE,
        "retrieve": ANYONE,
        "update": ANYONE,
        "partial_update": ANYONE,
        "destroy": ANYONE,
    }


class OnceView(ShopView):
    """Writes a row for each effect that really takes place."""

    access = {"post": ANYONE}
    operation = "tests.once"
    # What the effect does after its row is written, by the body's "then".
    acts: ClassVar[dict[str, Any]] = {}

    def post(self, request: Request, **kwargs: Any) -> Response:
        def effect() -> Response:
            row = OutboxMessage.objects.create(kind="effect")
            then = self.acts.get(request.data.get("then", ""))
            if then is not None:
                return then(row)
            return Response({"row": row.pk}, status=201)

        return idempotency.perform(request, operation=self.operation, effect=effect)


class OtherOnceView(OnceView):
    operation = "tests.other"


class StepsView(ShopView):
    """As ``OnceView``, with the network in the middle."""

    access = {"post": ANYONE}
    attempts: ClassVar[list[str | None]] = []
    acts: ClassVar[dict[str, Any]] = {}

    def post(self, request: Request) -> Response:
        def effect(attempt: str | None) -> Response:
            self.attempts.append(attempt)
            then = self.acts.get(request.data.get("then", ""))
            if then is not None:
                return then()
            row = OutboxMessage.objects.create(kind="effect")
            return Response({"row": row.pk}, status=201)

        return idempotency.perform_in_steps(request, operation="tests.steps", effect=effect)
