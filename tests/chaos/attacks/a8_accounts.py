"""A8: one address registers several times at once."""

import uuid
from collections.abc import Sequence

from accounts.models import User
from tests.chaos import wire
from tests.chaos.attack import Attack, count_of, expect, expect_true


class SameAddress(Attack):
    name = "A8 same address"
    sentence = "4 addresses register 6 times at once, in different case: one account each"
    naive = "a8"
    addresses, times = 4, 6

    def prepare(self) -> list[wire.Request]:
        self.emails = [f"{uuid.uuid4().hex[:12]}@example.org" for _ in range(self.addresses)]
        return [
            wire.Request(
                "POST",
                "/api/accounts/register/",
                {"email": self._spelt(email, number), "password": "a long and winding road"},
            )
            for email in self.emails
            for number in range(self.times)
        ]

    def _spelt(self, email: str, number: int) -> str:
        return email.upper() if number % 2 else email

    def judge(self, answers: Sequence[wire.Answer]) -> list[str]:
        done = count_of(answers, 201)
        wrong = expect_true("each address has an answer", done >= self.addresses)
        wrong += expect("clear refusals", count_of(answers, 409), len(answers) - done)
        for email in self.emails:
            accounts = User.objects.filter(email__iexact=email).count()
            wrong += expect(f"accounts of {email}", accounts, 1)
        return wrong


ATTACKS = (SameAddress,)
