"""The project router: seven apps on two faces, documentation, admin, health."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from accounts.views.admin_login import admin_login
from accounts.views.admin_password import admin_password_change
from accounts.views.admin_two_factor import admin_two_factor
from shop_backend import aliases, docs, health
from shop_backend.dashboard import invariants_page, navigation
from shop_backend.favicon import favicon
from shop_backend.index import IndexView
from shop_backend.media import media

# Patterns are tried one after the other, so what is asked for most comes first.
_busy: list[URLPattern | URLResolver] = [
    path("catalog/", include("catalog.urls")),
    path("cart/", include("cart.urls")),
]
_others: list[URLPattern | URLResolver] = [
    path("accounts/", include("accounts.urls")),
    path("orders/", include("orders.urls")),
    path("payments/", include("payments.urls")),
    path("shipping/", include("shipping.urls")),
    path("inventory/", include("inventory.urls")),
    path("auth/", include("accounts.djoser_urls")),
]
# One list, two faces: the envelope under /api/, plain DRF conventions without it.
api_urlpatterns: list[URLPattern | URLResolver] = [*_busy, *_others]
# The providers know one address each; it has no second face.
webhook_urlpatterns: list[URLPattern | URLResolver] = [
    path("payments/webhooks/", include("payments.urls_webhooks")),
]

index: list[URLPattern | URLResolver] = [path("", IndexView.as_view())]

admin.site.site_header = admin.site.site_title = settings.SHOP_NAME
admin.site.site_url = settings.FRONTEND_URL
admin.site.login_template = "accounts/admin/login.html"
admin.site.index_template = "dashboard/first_page.html"

# The other names before the rest: orders/new/ would else be read as the order named "new".
urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include([*_busy, *index, *aliases.urlpatterns, *webhook_urlpatterns, *_others])),
    path("", include(_busy)),
    path("admin/login/", admin_login, name="login"),
    path("admin/two-factor/", admin_two_factor, name="admin_two_factor"),
    path("admin/password_change/", admin.site.admin_view(admin_password_change)),
    path("admin/search/", admin.site.admin_view(navigation.search)),
    path("admin/invariants/", admin.site.admin_view(invariants_page.show), name="invariants"),
    path("admin/", admin.site.urls),
    path("favicon.ico", favicon),
    path("media/<path:path>", media),
    path("health/live/", health.live),
    path("health/ready/", health.ready),
    path("health/invariants/", health.InvariantsView.as_view()),
    *docs.urlpatterns,
    path("", include([*index, *aliases.urlpatterns, *_others])),
]

handler400 = "shop_backend.kernel.fallbacks.bad_request"
handler403 = "shop_backend.kernel.fallbacks.permission_denied"
handler404 = "shop_backend.kernel.fallbacks.not_found"
handler500 = "shop_backend.kernel.fallbacks.server_error"
