"""Swagger as the bodies are really sent: envelope, true statuses, true security."""

from typing import Any

from drf_yasg import openapi
from drf_yasg.app_settings import swagger_settings
from drf_yasg.inspectors import (
    JSONFieldInspector,
    NotHandled,
    PaginatorInspector,
    SwaggerAutoSchema,
)
from drf_yasg.utils import force_real_str
from rest_framework.serializers import ListSerializer

from shop_backend.kernel.access import Anyone
from shop_backend.kernel.pagination import ShopPagination
from shop_backend.kernel.views import ConditionalView

ERROR_DEFINITION = "Error"
PLAIN_ERROR_DEFINITION = "PlainError"
_TEXTS = {
    400: "The request is malformed or invalid.",
    401: "No token, or not a valid one.",
    403: "Your role does not allow this.",
    404: "Not there, or not yours to see.",
    409: "The present state forbids it.",
    412: "The resource has changed since it was read.",
    413: "The body is too large.",
    415: "The body is in no format that is understood.",
    422: "The Idempotency-Key was used with another body.",
    429: "Too many requests; see Retry-After.",
    503: "Something the shop depends on is down; see Retry-After.",
}


def error_schema() -> openapi.Schema:
    """Return the envelope of a refusal."""
    return openapi.Schema(
        type=openapi.TYPE_OBJECT,
        x_optional=["params", "errors"],
        properties={
            "success": openapi.Schema(type=openapi.TYPE_BOOLEAN, enum=[False]),
            "message": openapi.Schema(type=openapi.TYPE_STRING, description="For a person."),
            "data": openapi.Schema(type=openapi.TYPE_OBJECT, x_nullable=True),
            "code": openapi.Schema(type=openapi.TYPE_STRING, description="Stable, for a program."),
            "params": openapi.Schema(
                type=openapi.TYPE_OBJECT,
                description="The values in the message, by name.",
                additional_properties=True,
            ),
            "errors": openapi.Schema(
                type=openapi.TYPE_OBJECT,
                description="By field: a list of {message, code}, nested for lists.",
                additional_properties=True,
            ),
        },
    )


def plain_error_schema() -> openapi.Schema:
    """Return a refusal in plain DRF conventions, as Djoser's paths answer it."""
    code = openapi.Schema(
        type=openapi.TYPE_STRING,
        description="Stable, for a program: text. A list: what is wrong with the field `code`.",
    )
    del code["type"]  # a body may have a field of this name, and then its messages stand here
    return openapi.Schema(
        type=openapi.TYPE_OBJECT,
        description="`detail` and `code`, or for an invalid body `{field: [messages]}`.",
        x_optional=["detail", "code"],
        additional_properties=True,
        properties={
            "detail": openapi.Schema(type=openapi.TYPE_STRING, description="For a person."),
            "code": code,
        },
    )


class PaginationInspector(PaginatorInspector):
    """The shape of a list."""

    def get_paginator_parameters(self, paginator: Any) -> Any:
        if not isinstance(paginator, ShopPagination):
            return super().get_paginator_parameters(paginator)
        return [
            _query("page", openapi.TYPE_INTEGER, "Page number, from 1.", minimum=1),
            _query("page_size", openapi.TYPE_INTEGER, "Items a page.", minimum=1, maximum=100),
            _query(
                "cursor",
                openapi.TYPE_STRING,
                "Walks the whole list without a count: empty at first, then from `next`.",
            ),
        ]

    def get_paginated_response(self, paginator: Any, response_schema: Any) -> Any:
        if not isinstance(paginator, ShopPagination):
            return super().get_paginated_response(paginator, response_schema)
        link = {"type": openapi.TYPE_STRING, "format": openapi.FORMAT_URI, "x_nullable": True}
        return openapi.Schema(
            type=openapi.TYPE_OBJECT,
            x_optional=["count_capped"],
            properties={
                "count": openapi.Schema(
                    type=openapi.TYPE_INTEGER,
                    x_nullable=True,
                    description="Exact up to 10,000; null when walking by cursor.",
                ),
                "count_capped": openapi.Schema(type=openapi.TYPE_BOOLEAN, enum=[True]),
                "next": openapi.Schema(**link),
                "previous": openapi.Schema(**link),
                "results": response_schema,
            },
        )


class OpenFieldInspector(JSONFieldInspector):
    """A JSON field holds whatever keys its writer put there."""

    def field_to_swagger_object(self, *args: Any, **kwargs: Any) -> Any:
        schema = super().field_to_swagger_object(*args, **kwargs)
        if schema is not NotHandled:
            schema.additional_properties = True
        return schema


class EnvelopeAutoSchema(SwaggerAutoSchema):
    """Wraps answers in the envelope and tells the truth about statuses and security."""

    field_inspectors = [OpenFieldInspector, *swagger_settings.DEFAULT_FIELD_INSPECTORS]

    def get_operation_id(self, operation_keys: Any = None) -> str:
        if "operation_id" in self.overrides:
            return str(self.overrides["operation_id"])
        keys = operation_keys or self.operation_keys
        return "_".join(key for key in keys if key != "api")

    def get_summary_and_description(self) -> tuple[str, str]:
        summary, description = super().get_summary_and_description()
        if not summary:
            first, _, rest = description.partition("\n")
            summary, description = first.strip(), rest.strip() or first.strip()
        return force_real_str(summary)[:120], description

    def get_default_responses(self) -> Any:
        responses = super().get_default_responses()
        if self.method == "DELETE":
            responses.pop("204", None)
            responses["200"] = ""
        return responses

    def get_response_schemas(self, response_serializers: Any) -> Any:
        if self.should_page():
            response_serializers = {
                status: self._page_of(serializer)
                for status, serializer in response_serializers.items()
            }
        responses = super().get_response_schemas(response_serializers)
        for status, response in list(responses.items()):
            if str(status).startswith("2") and self._has_envelope():
                response["schema"] = _success_schema(response.get("schema"))
            elif str(status).isdigit() and int(status) >= 400 and "schema" not in response:
                response["schema"] = self._error_reference()
        for status in self._further_statuses(responses):
            schema = self._error_reference()
            responses[str(status)] = openapi.Response(_TEXTS[status], schema)
        if self._has_etag():
            responses["304"] = openapi.Response("It has not changed since; no body.")
        return responses

    def _page_of(self, serializer: Any) -> Any:
        if not isinstance(serializer, ListSerializer):
            return serializer
        return self.get_paginated_response(self.serializer_to_schema(serializer))

    def add_manual_parameters(self, parameters: Any) -> Any:
        parameters = super().add_manual_parameters(parameters)
        if 422 in self.overrides.get("responses", {}):  # it honours an Idempotency-Key
            parameters.append(
                _header("Idempotency-Key", "The same key and body answers the first answer again.")
            )
        if self._honours_if_match():
            parameters.append(_header("If-Match", "The ETag that was read; 412 if it has changed."))
        if self._has_etag():
            parameters.append(_header("If-None-Match", "The ETag that is known; 304 if it is it."))
        return parameters

    def _honours_if_match(self) -> bool:
        return self.method in {"PUT", "PATCH", "DELETE"} and isinstance(self.view, ConditionalView)

    def _has_etag(self) -> bool:
        etag_actions = getattr(self.view, "etag_actions", ())
        return self.method == "GET" and getattr(self.view, "action_name", "") in etag_actions

    def get_security(self) -> Any:
        if self.overrides.get("security") is not None:
            return self.overrides["security"]
        return [] if self._is_public() else None

    def _is_public(self) -> bool:
        permissions = self.view.get_permissions()
        return all(isinstance(permission, Anyone) for permission in permissions)

    def _has_envelope(self) -> bool:
        return not self.path.startswith(("/api/auth/", "/auth/"))

    def _further_statuses(self, responses: Any) -> list[int]:
        wanted = {400, 429}
        if not self._is_public():
            wanted.add(401)
        if self.view.authentication_classes:
            wanted.add(401)
        access = getattr(self.view, "access", {}).get(getattr(self.view, "action_name", ""))
        if hasattr(access, "name"):
            wanted.add(403)
        if "{" in self.path or self.should_page():  # a page beyond the last is not there
            wanted.add(404)
        if self.method != "GET":
            wanted.add(413)
        if self.method in {"POST", "PUT", "PATCH"} or self.overrides.get("request_body"):
            wanted.add(415)
        if self._honours_if_match():
            wanted.add(412)
        known = {int(status) for status in responses if str(status).isdigit()}
        return sorted(wanted - known)

    def _error_reference(self) -> Any:
        definitions = self.components.with_scope(openapi.SCHEMA_DEFINITIONS)
        if not self._has_envelope():
            definitions.setdefault(PLAIN_ERROR_DEFINITION, plain_error_schema)
            return openapi.SchemaRef(definitions, PLAIN_ERROR_DEFINITION)
        definitions.setdefault(ERROR_DEFINITION, error_schema)
        return openapi.SchemaRef(definitions, ERROR_DEFINITION)


def _success_schema(payload: Any) -> openapi.Schema:
    if payload is None:
        payload = openapi.Schema(type=openapi.TYPE_OBJECT, x_nullable=True)
    return openapi.Schema(
        type=openapi.TYPE_OBJECT,
        properties={
            "success": openapi.Schema(type=openapi.TYPE_BOOLEAN, enum=[True]),
            "message": openapi.Schema(type=openapi.TYPE_STRING, description="For a person."),
            "data": payload,
        },
    )


def _header(name: str, description: str) -> openapi.Parameter:
    return openapi.Parameter(
        name,
        openapi.IN_HEADER,
        description=description,
        type=openapi.TYPE_STRING,
        required=False,
    )


def _query(name: str, kind: str, description: str, **limits: int) -> openapi.Parameter:
    return openapi.Parameter(
        name, openapi.IN_QUERY, description=description, type=kind, required=False, **limits
    )
