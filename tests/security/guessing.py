"""One-time passwords under a thousand guesses at once, from a thousand addresses."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from accounts import services
from accounts.models import Otp, OtpPurpose, User
from tests.chaos import wire

GUESSES, RIGHT_CODES = 1000, 200
_AT_ONCE = 500  # connections that are open at a time


@dataclass(frozen=True)
class Outcome:
    """What a flood of codes came to."""

    title: str
    sent: int
    answers: Counter[tuple[int, str]]
    evaluated: int
    accepted: int
    is_as_promised: bool

    def as_row(self) -> list[str]:
        """Return title, sent, evaluated, accepted, answers and verdict as texts."""
        told = ", ".join(f"{number} × {status} {code}" for (status, code), number in self._sorted())
        verdict = "as promised" if self.is_as_promised else "BROKEN"
        return [self.title, str(self.sent), str(self.evaluated), str(self.accepted), told, verdict]

    def _sorted(self) -> list[tuple[tuple[int, str], int]]:
        return sorted(self.answers.items())


def guess_wildly(address: wire.Address, user: User, forwarded: Callable[[], str]) -> Outcome:
    """Send a thousand wrong codes together, then the right one: five count, and it is dead."""
    code = _new_code(user, OtpPurpose.ACTIVATION)
    wrong = [f"{(int(code) + step) % 10**6:06d}" for step in range(1, GUESSES + 1)]
    answers = _flood(address, [_verify(user, guess, forwarded) for guess in wrong])
    evaluated = Otp.objects.get(user=user).tries
    last = wire.call(address, _verify(user, code, forwarded))
    user.refresh_from_db()
    accepted = int(user.email_verified_at is not None)
    told = Counter((answer.status, answer.code) for answer in answers)
    promised = {(400, "invalid_otp"): GUESSES}
    is_as_promised = told == promised and evaluated == 5 and last.status == 400 and not accepted
    return Outcome(f"{GUESSES} guesses at once", GUESSES, told, evaluated, accepted, is_as_promised)


def send_the_right_code_often(
    address: wire.Address, user: User, forwarded: Callable[[], str]
) -> Outcome:
    """Send the right code two hundred times together: it sets one password."""
    code = _new_code(user, OtpPurpose.PASSWORD_RESET)
    requests = [
        wire.Request(
            "POST",
            "/api/accounts/reset-password/",
            {"email": user.email, "otp": code, "new_password": f"lantern and ladder {number}"},
            headers={"X-Forwarded-For": forwarded()},
        )
        for number in range(RIGHT_CODES)
    ]
    told = Counter((answer.status, answer.code) for answer in _flood(address, requests))
    accepted = told[200, ""]
    promised = {(200, ""): 1, (400, "invalid_otp"): RIGHT_CODES - 1}
    title = f"{RIGHT_CODES} times the right code at once"
    return Outcome(title, RIGHT_CODES, told, accepted, accepted, told == promised)


def _verify(user: User, code: str, forwarded: Callable[[], str]) -> wire.Request:
    body = {"email": user.email, "otp": code}
    headers = {"X-Forwarded-For": forwarded()}
    return wire.Request("POST", "/api/accounts/verify-otp/", body, headers=headers)


def _flood(address: wire.Address, requests: list[wire.Request]) -> list[wire.Answer]:
    answers = []
    for at in range(0, len(requests), _AT_ONCE):
        answers += wire.release_together(address, requests[at : at + _AT_ONCE])
    return answers


def _new_code(user: User, purpose: OtpPurpose) -> str:
    with transaction.atomic():
        code = services.make_code(
            user=user, purpose=purpose, email=str(user.email), now=timezone.now()
        )
    connection.close()
    return code


ATTACKS = (guess_wildly, send_the_right_code_often)
