"""The paths of the little shop of nothing, on both faces."""

from django.contrib import admin
from django.urls import include, path
from rest_framework.routers import SimpleRouter

from shop_backend.kernel.tests import views

router = SimpleRouter(use_regex_path=False)
router.register("messages", views.MessageViewSet, basename="message")

tea = [
    path("echo/", views.EchoView.as_view()),
    path("tray/", views.TrayView.as_view()),
    path("locked/", views.LockedView.as_view()),
    path("refusals/<str:name>/", views.RefusalView.as_view()),
    path("once/", views.OnceView.as_view()),
    path("once/<int:number>/", views.OnceView.as_view()),
    path("other/", views.OtherOnceView.as_view()),
    path("steps/", views.StepsView.as_view()),
    path("crash/", views.crash),
    *router.urls,
]
urlpatterns = [
    path("admin/crash/", views.crash),
    path("admin/", admin.site.urls),
    path("api/", include(tea)),
    path("", include(tea)),
]

handler400 = "shop_backend.kernel.fallbacks.bad_request"
handler403 = "shop_backend.kernel.fallbacks.permission_denied"
handler404 = "shop_backend.kernel.fallbacks.not_found"
handler500 = "shop_backend.kernel.fallbacks.server_error"
