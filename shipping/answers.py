"""What shipping answers to the questions of the apps below; bound in shop_backend/wiring.py."""

from typing import Any

from shipping import services


class AddressRecords:
    """Answers accounts: what do you hold about this person, and forget it."""

    def export(self, *, user_id: int) -> dict[str, Any]:
        """Return the person's address book and parcels."""
        return services.export_customer(user_id=user_id)

    def forget(self, *, user_id: int) -> None:
        """Delete the address book; parcels name nobody and stay in the books."""
        services.forget_customer(user_id=user_id)
