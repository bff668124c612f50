"""What accounts has to ask of the apps above it."""

from collections.abc import Sequence
from typing import Any, Protocol

from shop_backend.kernel.ports import Port


class PersonalDataHolder(Protocol):
    """An app that keeps something about people."""

    def export(self, *, user_id: int) -> dict[str, Any]:
        """Return what is kept about this person, as plain JSON values."""

    def forget(self, *, user_id: int) -> None:
        """Remove or anonymise what is kept, in the caller's transaction; the books stay."""


personal_data: Port[Sequence[PersonalDataHolder]] = Port("personal_data")
