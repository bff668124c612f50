"""Swagger UI, ReDoc and the document they show, with assets served from here."""

from functools import cache
from hashlib import sha256
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, include, path
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from drf_yasg import openapi
from drf_yasg.generators import OpenAPISchemaGenerator
from rest_framework.permissions import AllowAny

from shop_backend import error_codes, published_shapes, recorded_examples
from shop_backend.kernel.inspectors import ERROR_DEFINITION

DESCRIPTION = """
A headless shop. Every body is `{success, message, data}`; a refusal has `success: false`, a
sentence for a person in `message` and a stable `code` for a program. The same paths without
`/api` answer in plain Django REST framework conventions.

Each operation lists what it answers. Beside that any address may answer 404 (nothing is there),
405 (not with this method), 406 (not in the format of your `Accept`), 500 (a mistake of ours, in
the log under the `X-Request-ID`) and 503 (something the shop depends on is down; see
`Retry-After`), each with the body of a refusal. A body has all keys that its schema requires and
no key that its schema does not name.

Log in at `POST /api/accounts/login/`, press **Authorize**, and type `Bearer` and the access
token.
"""


def documented_urlpatterns() -> list[URLPattern]:
    """Return the paths that Swagger shows: the envelope's face, without the other names."""
    from shop_backend import urls  # noqa: PLC0415  # urls imports this module

    return [path("api/", include([*urls.webhook_urlpatterns, *urls.api_urlpatterns]))]  # type: ignore[list-item]  # include makes a resolver


# What fits into a column differs from database to database and is no rule of the API.
_COLUMN_RANGES = {limit for bits in (15, 31, 63) for limit in (2**bits - 1, -(2**bits))}


def _drop_column_ranges(node: Any) -> None:
    if isinstance(node, dict):
        for name in ("minimum", "maximum"):
            if node.get(name) in _COLUMN_RANGES:
                del node[name]
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, (dict, list)):
            _drop_column_ranges(child)


def _name_the_codes(document: Any) -> None:
    """Let a client's compiler know every code there is."""
    error = document["definitions"].get(ERROR_DEFINITION)
    if error is not None:
        error["properties"]["code"]["enum"] = error_codes.all_codes()


class SchemaGenerator(OpenAPISchemaGenerator):
    """Documents the ``/api`` face alone, at full paths."""

    def __init__(
        self,
        info: openapi.Info,
        version: str = "",
        url: str | None = None,
        patterns: object = None,
        urlconf: object = None,
    ) -> None:
        super().__init__(info, version, url, documented_urlpatterns(), urlconf)

    def get_schema(self, request: Any = None, public: bool = False) -> openapi.Swagger:  # noqa: FBT001, FBT002  # drf-yasg's signature
        """Return the document, the same on every database."""
        document = super().get_schema(request, public)
        _drop_column_ranges(document)
        _name_the_codes(document)
        published_shapes.separate(document)
        recorded_examples.show(document)
        return document

    def determine_path_prefix(self, paths: list[str]) -> str:
        return "/"


class FrontPage(SchemaGenerator):
    """Title and version, which is what Swagger UI and ReDoc are drawn with; they fetch the rest."""

    def get_endpoints(self, request: Any) -> dict[str, Any]:
        return {}


info = openapi.Info(
    title=f"{settings.SHOP_NAME} API",
    default_version="v1",
    description=DESCRIPTION,
    license=openapi.License(name="MIT"),
)


@cache
def _schema_view(generator: type[SchemaGenerator] = SchemaGenerator) -> Any:
    """Return drf-yasg's view, made when somebody asks for it."""
    # With its validators it takes every worker 4 MB, and few of them are ever asked.
    from drf_yasg.views import get_schema_view  # noqa: PLC0415  # late, as it is big

    return get_schema_view(
        info,
        generator_class=generator,
        public=True,
        permission_classes=(AllowAny,),
        authentication_classes=(),
    )


_KINDS = {"json": "application/json", "yaml": "application/yaml"}
_MOST_KEPT = 8
_kept: dict[tuple[str, str, str], bytes] = {}  # by what the document depends on


@csrf_exempt  # as every view of DRF: other methods are 405, not 403
def document(request: HttpRequest, format: str) -> HttpResponseBase:
    """The document itself, as JSON or YAML; made once, as it takes longer than a hundred lists."""
    view, kind = _schema_view().without_ui(cache_timeout=0), _KINDS[format]
    if request.method not in {"GET", "HEAD"} or not request.accepts(kind):
        return _answered(request, view, format=format)
    key = (format, request.scheme or "", request.get_host())
    if key not in _kept:
        answer: Any = _answered(request, view, format=format)
        if answer.status_code != 200:
            return cast(HttpResponseBase, answer)
        while len(_kept) >= _MOST_KEPT:
            del _kept[next(iter(_kept))]  # the oldest
        _kept[key] = answer.render().content
    body = _kept[key]
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    whole = HttpResponse(
        body, content_type=kind, headers={"ETag": tag, "Cache-Control": "no-cache"}
    )
    return get_conditional_response(request, etag=tag, response=whole) or whole


@csrf_exempt
def reader(request: HttpRequest, ui: str) -> HttpResponseBase:
    """Swagger UI or ReDoc, which show it."""
    return _answered(request, _schema_view(FrontPage).with_ui(ui, cache_timeout=0))


def _answered(request: HttpRequest, view: Any, **arguments: str) -> HttpResponseBase:
    answer: HttpResponseBase = view(request, **arguments)
    return answer


urlpatterns = [
    path("swagger.json", document, {"format": "json"}, name="swagger-document"),
    path("swagger.yaml", document, {"format": "yaml"}),
    path("swagger/", reader, {"ui": "swagger"}, name="swagger"),
    path("redoc/", reader, {"ui": "redoc"}, name="redoc"),
]
