from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from shop_backend.kernel.admin import ShopModelAdmin
from shop_backend.kernel.errors import ShopError


class RefusingAdmin(ShopModelAdmin):
    """Says in words what a service refused, and undoes the rest of the form."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            with transaction.atomic():
                return super().changeform_view(request, *args, **kwargs)
        except ShopError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(request.path)
