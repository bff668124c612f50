"""Takes constraints out of a throw-away database."""

from django.db import connection

from tests.chaos.naive.variants import CONSTRAINTS


def loosen(variant: str) -> None:
    """Drop the unique constraints that stand behind what this variant does carelessly."""
    with connection.cursor() as cursor:
        for table, column in CONSTRAINTS.get(variant, ()):
            found = connection.introspection.get_constraints(cursor, table)
            for name, about in found.items():
                if about["unique"] and not about["primary_key"] and column in about["columns"]:
                    cursor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{name}"')
                    cursor.execute(f'DROP INDEX IF EXISTS "{name}"')
