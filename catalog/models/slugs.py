"""What a slug may be."""

from django.core.validators import RegexValidator

# An id is all digits, so a slug has a letter; these words are steps of other paths.
RESERVED_SLUGS = frozenset({"add", "edit", "delete", "new", "user"})
validate_slug = RegexValidator(
    r"\A(?=.*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*\Z",
    "A slug is made of small letters, digits and single hyphens, with at least one letter.",
    "invalid_slug",
)
