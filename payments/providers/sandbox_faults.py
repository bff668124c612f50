"""What can go wrong at a provider, made to go wrong on purpose, in the sandbox alone.

By payment method, for one payment (``pm_sandbox_…``, see ``sandbox_cards``), or by the setting
``SANDBOX_FAULTS`` for a share of all. Shares are drawn from the seed and the sandbox's own rows,
never from a clock or a random number: the same requests on a new database fail in the same way.
"""

import enum
import hashlib
from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings

FAULT_PREFIX = "pm_sandbox_"
DELAY = timedelta(seconds=10)
_STEPS = 10**6


class Fault(enum.StrEnum):
    """The name of each fault, as ``SANDBOX_FAULTS`` takes it."""

    DECLINE = "decline"  # a good card is declined
    ACTION = "action"  # the customer has to agree first
    PROCESSING = "processing"  # the answer is "processing", the end comes by webhook
    TIMEOUT = "timeout"  # charged, captured, canceled or refunded, and the answer is lost
    UNREACHED = "unreached"  # nothing was charged, and there is no answer
    DUPLICATE = "duplicate"  # a webhook comes twice
    REORDER = "reorder"  # a webhook comes after those that follow it
    DELAY = "delay"  # a webhook comes 10 seconds late
    DROP = "drop"  # a webhook never comes
    WRONG_AMOUNT = "wrong_amount"
    WRONG_CURRENCY = "wrong_currency"
    WRONG_REFERENCE = "wrong_reference"


_CONFIGURABLE = {fault.value for fault in Fault if not fault.startswith("wrong_")}


def read(text: Mapping[str, str]) -> dict[str, float]:
    """Return seed and shares from the setting, such as ``seed=7,drop=0.1``.

    :raises ValueError: a fault that is not known, or a share that is not between 0 and 1.
    """
    shares = {name: float(value) for name, value in text.items()}
    for name, share in shares.items():
        if name != "seed" and (name not in _CONFIGURABLE or not 0 <= share <= 1):
            raise ValueError(f"{name}={share}")
    return shares


def is_drawn(fault: Fault, *what: object) -> bool:
    """Return whether this fault happens here, by the setting's seed and share.

    :param what: names the place, by rows that are the same in a run that is repeated.
    """
    if not may_be_drawn(fault):
        return False
    shares = settings.SANDBOX_FAULTS
    place = ":".join(map(str, [shares.get("seed", 0), fault, *what]))
    digest = hashlib.blake2b(place.encode(), digest_size=8).digest()
    return int.from_bytes(digest) % _STEPS < float(shares[fault]) * _STEPS


def may_be_drawn(fault: Fault) -> bool:
    """Return whether the setting has a share of this fault."""
    return fault in settings.SANDBOX_FAULTS
