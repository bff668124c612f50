"""Nobody gets in by a route that was forgotten."""

import pytest
from django.urls import get_resolver

from shop_backend.kernel.access import Anyone
from tests.client import ShopClient
from tests.routes import Route, api_routes, other_addresses

pytestmark = pytest.mark.django_db

# Every operation that works without a token. A new one is added here on purpose, or not at all.
PUBLIC = {
    "get ",
    "post accounts/register/",
    "post accounts/verify-otp/",
    "post accounts/resend-otp/",
    "post accounts/login/",
    "post accounts/token/",
    "post accounts/token/refresh/",
    "post accounts/token/verify/",
    "post accounts/request-reset-email/",
    "post accounts/password-reset-confirm/<str:uidb64>/<str:token>/",
    "post accounts/forgot-password/",
    "post accounts/reset-password/",
    "post accounts/users/",
    "post auth/users/",
    "post auth/users/activation/",
    "post auth/users/resend_activation/",
    "post auth/users/reset_password/",
    "post auth/users/reset_password_confirm/",
    "post auth/jwt/create/",
    "post auth/jwt/refresh/",
    "post auth/jwt/verify/",
    "get catalog/products/",
    "get catalog/products/<str:id>/",
    "get catalog/products/<str:product>/variants/",
    "get catalog/products/<str:product>/variants/<str:pk>/",
    "get catalog/products/<str:product>/images/",
    "get catalog/products/<str:product>/images/<str:pk>/",
    "get catalog/products/<str:product>/reviews/",
    "get catalog/products/<str:product>/reviews/<str:pk>/",
    "get catalog/attributes/",
    "get catalog/attributes/<str:id>/",
    "get catalog/categories/",
    "get catalog/categories/<str:id>/",
    "get payments/config/",
    "post payments/webhooks/stripe/",
    "post payments/webhooks/sandbox/",
    "get shipping/methods/",
    "get shipping/methods/<int:pk>/",
    "post shipping/quotes/",
    "get shipping/track/<str:tracking_number>/",
    "post register/",
    "get userinfo/",
    "post forgot_password/",
    "post reset_password/<str:token>/",
    "post users/",
    "get products/",
    "get products/<str:id>/",
}
ROUTES = api_routes()


def name_of(route: Route) -> str:
    return f"{route.method} {route.template.removeprefix('api/')}"


def test_every_view_of_the_api_declares_its_access():
    undeclared = [name_of(route) for route in ROUTES if route.action not in route.view.access]

    assert undeclared == []


def test_no_view_is_without_a_declaration_but_pages_files_and_probes():
    assert other_addresses() == {
        "admin/login/",
        "admin/two-factor/",
        "admin/search/",
        "admin/password_change/",
        "favicon.ico",
        "admin/invariants/",
        "media/<path:path>",
        "health/live/",
        "health/ready/",
        "swagger.json",
        "swagger.yaml",
        "swagger/",
        "redoc/",
    }


def test_what_is_public_is_exactly_what_is_written_down():
    public = {name_of(route) for route in ROUTES if isinstance(route.access, Anyone)}

    assert public == PUBLIC


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if not isinstance(route.access, Anyone)],
    ids=lambda route: f"{route.method} {route.template}",
)
def test_everything_else_needs_a_token(route):
    ask = getattr(ShopClient(), route.method)

    for header in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "JWT a.b.c"}):
        response = ask(route.path, {}, format="json", headers=header)

        assert response.status_code == 401, header
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", sorted({route.path for route in ROUTES}))
def test_no_address_breaks_under_the_methods_nobody_thinks_of(path):
    client, headers = ShopClient(), {"If-Match": '"x"'}

    assert client.head(path, headers=headers).status_code < 500
    assert client.options(path, headers=headers).status_code < 500


def test_both_faces_have_the_same_routes():
    def below(prefix):
        return {
            f"{route.method} {route.template.removeprefix(prefix)}"
            for route in ROUTES
            if route.template.startswith("api/") == bool(prefix)
            and "webhooks" not in route.template
            and not route.template.startswith("health/")
        }

    assert below("api/") == below("")


def test_every_route_of_the_project_is_accounted_for():
    heads = {str(pattern.pattern) for pattern in get_resolver().url_patterns}

    assert heads == {
        "admin/login/",
        "admin/two-factor/",
        "admin/search/",
        "admin/password_change/",
        "admin/",
        "favicon.ico",
        "admin/invariants/",
        "media/<path:path>",
        "health/live/",
        "health/ready/",
        "health/invariants/",
        "swagger.json",
        "swagger.yaml",
        "swagger/",
        "redoc/",
        "api/",
        "",
    }


@pytest.mark.parametrize("path", ["/", "/api/", "/api"])
def test_the_bare_address_says_where_things_are(path):
    body = ShopClient().get(path).json()

    assert body.get("data", body)["paths"]["orders"] == f"{path.rstrip('/')}/orders/"


@pytest.mark.parametrize("path", ["/", "/api/"])
def test_the_bare_address_names_only_paths_that_answer(path):
    body = ShopClient().get(path).json()
    paths = body.get("data", body)["paths"].values()

    statuses = {named: ShopClient().get(named).status_code for named in paths}

    assert len(statuses) >= 7
    assert {named for named, status in statuses.items() if status not in {200, 401, 405}} == set()
