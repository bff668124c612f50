"""Password hashing at OWASP's parameters."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with t=2, m=19 MiB, p=1 (OWASP Password Storage Cheat Sheet): about 20 ms.

    Django's default takes 100 MiB a hash, which makes a login storm a memory exhaustion.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
