"""Money: an integer of minor units beside an ISO 4217 currency. No float comes near it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

# Decimals per currency where they are not two (ISO 4217, amendment 177).
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_EXPONENTS = {
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}
# The largest amount that is taken in or kept: it fits a signed 64-bit column with room to sum.
MAX_MINOR = 10**15
_PLAIN_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{0,5})?", re.ASCII)


class InvalidMoney(ValueError):
    """The text or number is no amount of that currency."""


def exponent(currency: str) -> int:
    """Return the number of decimals of a currency: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, order=False, slots=True)
class Money:
    """An exact amount: ``Money(1999, "EUR")`` is 19.99 euro."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise InvalidMoney("An amount of minor units is a whole number.")
        if len(self.currency) != 3 or not (self.currency.isascii() and self.currency.isupper()):
            raise InvalidMoney("A currency is three capital letters (ISO 4217).")

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Return nothing, in that currency."""
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str | int | Decimal, currency: str) -> Self:
        """Read a decimal amount such as ``"19.99"``.

        :raises InvalidMoney: it is no plain decimal number, has more decimals than the
            currency, or is beyond ``MAX_MINOR``.
        """
        if isinstance(text, (bool, float)):
            raise InvalidMoney("An amount is a decimal text, never a float.")
        if isinstance(text, str) and not _PLAIN_DECIMAL.fullmatch(text):
            raise InvalidMoney("An amount is a plain decimal number.")
        major = Decimal(text)
        # Looked at before anything is multiplied out: an exponent can be astronomical.
        if not major.is_finite() or major.adjusted() > 18 or len(major.as_tuple().digits) > 24:
            raise InvalidMoney("The amount is too large.")
        decimals = exponent(currency)
        if major and int(major.normalize().as_tuple().exponent) < -decimals:
            raise InvalidMoney(f"{currency} has {decimals} decimals.")
        minor = int(major.scaleb(decimals))
        if abs(minor) > MAX_MINOR:
            raise InvalidMoney("The amount is too large.")
        return cls(minor, currency)

    def __str__(self) -> str:
        return f"{self.decimal_string} {self.currency}"

    @property
    def decimal_string(self) -> str:
        """The amount as the API shows it: ``"19.99"``, with the currency's decimals."""
        decimals = exponent(self.currency)
        sign = "-" if self.minor < 0 else ""
        if decimals == 0:
            return f"{sign}{abs(self.minor)}"
        whole, part = divmod(abs(self.minor), 10**decimals)
        return f"{sign}{whole}.{part:0{decimals}d}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __mul__(self, count: int) -> "Money":
        if isinstance(count, bool) or not isinstance(count, int):
            raise InvalidMoney("Money is multiplied by whole numbers; shares come from split().")
        return Money(self.minor * count, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def split(self, weights: Sequence[int]) -> list["Money"]:
        """Share the amount out in proportion to the weights, to the last minor unit.

        The shares always add up to the amount (largest remainder; ties go to the earlier
        share). With weights that are all zero the shares are equal.

        :param weights: one whole number >= 0 a share, at least one.
        :raises InvalidMoney: no weights, or a negative one.
        """
        if not weights or any(weight < 0 for weight in weights):
            raise InvalidMoney("Shares need weights, none of them negative.")
        parts = list(weights) if any(weights) else [1] * len(weights)
        whole = sum(parts)
        sign = -1 if self.minor < 0 else 1
        amount = abs(self.minor)
        floors = [amount * part // whole for part in parts]
        by_remainder = sorted(
            range(len(parts)), key=lambda index: (-(amount * parts[index] % whole), index)
        )
        for index in by_remainder[: amount - sum(floors)]:
            floors[index] += 1
        return [Money(sign * floor, self.currency) for floor in floors]

    def _same(self, other: "Money") -> int:
        if not isinstance(other, Money):
            raise TypeError(f"Money and {type(other).__name__} do not mix.")
        if other.currency != self.currency:
            raise InvalidMoney(f"{self.currency} and {other.currency} do not add up.")
        return other.minor


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Return the sum of the amounts; nothing in ``currency`` when there are none."""
    result = Money.zero(currency)
    for amount in amounts:
        result += amount
    return result
