"""Password hashing at OWASP's parameters."""

from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts import crowding


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with t=2, m=19 MiB, p=1 (OWASP Password Storage Cheat Sheet).

    Django's default takes 100 MiB a hash, which makes a login storm a memory exhaustion, and nine
    times as long (``python -m benchmarks.passwords``, docs/security.md).

    :raises PasswordsBusy: the process works on as many passwords as it may.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1

    def encode(self, password: str, salt: str) -> Any:
        with crowding.place_in_line(), crowding.turn:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> Any:
        with crowding.place_in_line(), crowding.turn:
            return super().verify(password, encoded)
