"""A telephone with an authenticator app."""

from datetime import datetime

from django.utils import timezone

from accounts import sealing, services, totp
from accounts.models import TwoFactor, User


def switch_on(user: User) -> list[str]:
    """Give a person a second factor; return their recovery codes. No code of it is used up."""
    services.begin_two_factor(user=user)
    codes = services.confirm_two_factor(user=user, code=code_of(user), session=None)
    TwoFactor.objects.filter(user=user).update(last_step=0)
    return codes


def code_of(user: User, *, now: datetime | None = None, steps: int = 0) -> str:
    """Return what the person's app shows, now or some half minutes away."""
    secret = sealing.unseal(TwoFactor.objects.get(user=user).sealed_secret)
    return totp.code_at(secret, totp.step_at(now or timezone.now()) + steps)
