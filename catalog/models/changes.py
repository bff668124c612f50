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


class StockDoubt(models.Model):
    """Something that may have changed whether a product can be bought, by a trigger.

    On PostgreSQL alone, where that is kept beside the product. It goes once the product has been
    looked at again.
    """

    class Subject(models.TextChoices):
        ITEM = "item"
        PRODUCT = "product"
        LOCATION = "location"

    id = models.BigAutoField(primary_key=True)
    subject = models.CharField(max_length=8, choices=Subject.choices)
    # No foreign key: by then it may be gone, and that is an answer, too.
    subject_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.subject} {self.subject_id}"
