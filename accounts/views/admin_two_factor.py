"""Where staff switch their second factor on without an API client."""

from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache

from accounts import selectors, services
from shop_backend.kernel.errors import ShopError


@never_cache
@staff_member_required(login_url="admin:login")
def admin_two_factor(request: HttpRequest) -> HttpResponse:
    """Show a new secret; take a code of it, and show the recovery codes once."""
    user: Any = request.user
    state = selectors.get_two_factor_state(user)
    context: dict[str, Any] = {"is_on": state.is_on, "left": state.recovery_codes_left}
    if request.method == "POST" and not state.is_on:
        code = request.POST.get("code", "").replace(" ", "")[:32]
        try:
            with services.counted_try(user.username):
                services.require_presence(
                    user=user, session=None, current_password=request.POST.get("password", "")[:128]
                )
            context["recovery_codes"] = services.confirm_two_factor(
                user=user, code=code, session=None
            )
            user.refresh_from_db()
            update_session_auth_hash(request, user)  # this session stays, all others have ended
        except ShopError as refusal:
            context["error"] = str(refusal)
    elif not state.is_on:
        context["enrolment"] = services.begin_two_factor(user=user)
    return TemplateResponse(request, "accounts/admin/two_factor.html", context)
