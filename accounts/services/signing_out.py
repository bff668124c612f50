"""Sign-ins ended: on the API and on the admin site alike."""

from django.db.models import F
from django.utils import timezone

from accounts import selectors
from accounts.errors import ProtectedAccount
from accounts.models import EmailChange, Otp, OtpPurpose, Session, User
from shop_backend.kernel import transactions


@transactions.use_case
def revoke_sessions(*, user: User, spare: Session | None = None) -> int:
    """End all sign-ins of a user but the spared session; return how many sessions of the API.

    Those of the admin site end with the epoch, which each of them remembers. A new email that waits
    for its code goes with them: whoever is signed out here may have asked for it, and would come
    back through it.
    """
    User.objects.filter(pk=user.pk).update(sign_in_epoch=F("sign_in_epoch") + 1)
    _forget_waiting_email(user)
    sessions = Session.objects.filter(user=user, revoked_at=None)
    if spare is not None:
        sessions = sessions.exclude(pk=spare.pk)
    return sessions.update(revoked_at=timezone.now())


@transactions.use_case
def revoke_session(*, session: Session) -> None:
    """End one session of the API."""
    Session.objects.filter(pk=session.pk, revoked_at=None).update(revoked_at=timezone.now())


@transactions.use_case
def revoke_session_as_staff(*, session: Session, actor: User) -> None:
    """End somebody's session of the API.

    :raises ProtectedAccount: the account has rights that the actor lacks.
    """
    if not selectors.may_manage(actor, session.user):
        raise ProtectedAccount
    revoke_session(session=session)


def _forget_waiting_email(user: User) -> None:
    forgotten, _ = EmailChange.objects.filter(user=user, confirmed_at=None).delete()
    if forgotten:
        Otp.objects.filter(user=user, purpose=OtpPurpose.ACTIVATION).delete()
