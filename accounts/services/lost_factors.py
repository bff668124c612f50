"""A second factor that somebody has lost: taken away by who made sure of the person."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import models
from django.utils import timezone

from accounts import selectors
from accounts.errors import OwnTwoFactor, ProtectedAccount, TwoFactorNotOn
from accounts.models import TwoFactor, User
from accounts.services.two_factor import require_second_factor, take_away
from shop_backend.kernel import audit, transactions
from shop_backend.kernel.errors import TwoFactorEnrolmentRequired


class Proof(models.TextChoices):
    """How somebody was made sure of; each is more than the password that begins a second factor."""

    IN_PERSON = "in_person", "In person: known to you, or by an identity document"
    ON_VIDEO = "on_video", "On video: known to you, or by an identity document"
    MAIL_AND_ORDERS = (
        "mail_and_orders",
        "They answered a mail to the account's own address, and named orders of theirs",
    )


@dataclass(frozen=True)
class Evidence:
    """What the audit log keeps of it for ever, so no names."""

    proof: Proof
    case: str  # where the shop has written down what was asked and shown


@transactions.forbids_transaction  # a wrong try stays counted when it is refused
def reset_two_factor_as_staff(
    *, user: User, actor: User, evidence: Evidence, code: str, now: datetime | None = None
) -> None:
    """Take somebody's lost second factor away and end all their sessions.

    :param code: of the actor's own second factor, as at a login.
    :raises OwnTwoFactor: one's own needs password and code.
    :raises ProtectedAccount: the account has rights that the actor lacks.
    :raises TwoFactorNotOn: there is none.
    :raises TwoFactorEnrolmentRequired: the actor has none.
    :raises TwoFactorFailed: see ``require_second_factor``, as for what else it refuses.
    """
    if user.pk == actor.pk:
        raise OwnTwoFactor
    if not selectors.may_manage(actor, user):
        raise ProtectedAccount
    factor = selectors.find(TwoFactor.objects.filter(user=user))
    if factor is None:
        raise TwoFactorNotOn
    if not selectors.get_two_factor_state(actor).is_on:
        raise TwoFactorEnrolmentRequired
    require_second_factor(user=actor, code=code, now=now or timezone.now())
    transactions.run(partial(_reset, factor, user, actor, evidence))


def _reset(factor: TwoFactor, user: User, actor: User, evidence: Evidence) -> None:
    facts = {"proof": evidence.proof.value, "case": evidence.case}
    audit.note_grounds(actor=actor, action="second factor taken away", row=user, facts=facts)
    take_away(factor, user, None)
