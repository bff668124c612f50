"""Moments as the API writes them: ISO 8601, UTC, with a Z."""

from datetime import UTC, datetime


def moment(when: datetime | None) -> str | None:
    """Return the moment as DRF's ``DateTimeField`` writes it."""
    if when is None:
        return None
    text = when.astimezone(UTC).isoformat()
    return f"{text[:-6]}Z"
