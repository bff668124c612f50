"""Path parts that the database can hold: anything else is no address of ours."""

from django.urls import register_converter

MAX_ID = 2**63 - 1


class BigIdConverter:
    """A row id, 1 to 2^63 - 1."""

    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        number = int(value)
        if number > MAX_ID:
            raise ValueError(value)  # Django reads this as "no match", which is a 404
        return number

    def to_url(self, value: int) -> str:
        return str(value)


def register() -> None:
    """Make ``<bigid:…>`` known to ``path()``."""
    register_converter(BigIdConverter, "bigid")
