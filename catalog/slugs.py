"""Names for addresses, made from names for people."""

import itertools
from typing import Any

from django.utils.text import slugify

from catalog.models import RESERVED_SLUGS, Category, Product

_ROOM_FOR_A_NUMBER = 12


def free_slug(model: type[Product] | type[Category], *, name: str) -> str:
    """Return a slug for the name that no row of the model has.

    A name without any latin letter gets one made of the model's own name.
    """
    field: Any = model._meta.get_field("slug")
    base = slug_of(name, fallback=str(model._meta.model_name))
    base = base[: field.max_length - _ROOM_FOR_A_NUMBER].strip("-")
    taken = set(model.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return first_free(base, taken)


def slug_of(name: str, *, fallback: str) -> str:
    """Return the name as a valid slug."""
    slug = slugify(name.replace("_", "-")).strip("-")
    if not any("a" <= letter <= "z" for letter in slug):
        slug = f"{fallback}-{slug}".strip("-")
    return f"{fallback}-{slug}" if slug in RESERVED_SLUGS else slug


def first_free(base: str, taken: set[str]) -> str:
    """Return the base, or the base with the first number that makes it free."""
    if base not in taken:
        return base
    numbered = (f"{base}-{number}" for number in itertools.count(2))
    return next(name for name in numbered if name not in taken)
