"""What tells that the catalogue has changed: rows that the database writes by itself."""

from django.db import models


class CatalogueChange(models.Model):
    """One change of the catalogue, by a trigger. Only the sum of all tokens means anything.

    The tokens are random, so that no two states have the same sum, in whatever order their
    changes are committed; a row apiece, so that no change waits for another.
    """

    token = models.BigIntegerField()
    # Whether goods ran out or came back, which changes no name and no price.
    of_availability = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        return str(self.token)
