"""Where staff log in to the admin site."""

from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from shop_backend.kernel.forms import tell_when_to_come_back


def admin_login(request: HttpRequest) -> HttpResponseBase:
    """Show the theme's own page; what was tried too often is told so by its status, too."""
    return tell_when_to_come_back(admin.site.login(request))
