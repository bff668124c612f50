"""The attacks, in the order in which they run."""

from tests.chaos.attack import Attack
from tests.chaos.attacks import a1_stock

ALL: tuple[type[Attack], ...] = (*a1_stock.ATTACKS,)
