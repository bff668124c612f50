"""What can go wrong at a provider, made to go wrong on purpose, in the sandbox alone.

By payment method, for one payment (``pm_sandbox_…``, see ``sandbox_cards``), or by the setting
``SANDBOX_FAULTS`` for a share of all. Shares are drawn from the seed and the sandbox's own rows,
never from a clock or a random number: the same requests on a new database fail in the same way.
"""

import hashlib
from datetime import timedelta

from django.conf import settings

from payments.faults import Fault

FAULT_PREFIX = "pm_sandbox_"
DELAY = timedelta(seconds=10)
_STEPS = 10**6


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
