"""The numbers that customers read out on the phone."""

import secrets

# Crockford's alphabet: no I, L, O, U that a person could misread on the phone.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NUMBER_LENGTH = 12


def new_order_number() -> str:
    """Return an order number nobody can guess: 60 bits, and a letter in front."""
    return "R" + "".join(secrets.choice(_ALPHABET) for _ in range(_NUMBER_LENGTH))
