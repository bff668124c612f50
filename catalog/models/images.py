"""What products look like."""

from django.core.files.storage import default_storage
from django.core.validators import URLValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models.products import Product

validate_https = URLValidator(schemes=["https"])


class ProductImage(models.Model):
    """A picture: a file that the shop keeps, or an address elsewhere that it never fetches."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="images")
    # Names in the storage; their names cannot be guessed and their contents never change.
    file = models.CharField(max_length=200, blank=True, default="", editable=False)
    thumbnail = models.CharField(max_length=200, blank=True, default="", editable=False)
    width = models.PositiveIntegerField(null=True, blank=True, editable=False)
    height = models.PositiveIntegerField(null=True, blank=True, editable=False)
    address = models.CharField(max_length=500, blank=True, default="", validators=[validate_https])
    alt = models.CharField("text for those who do not see it", max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(file="") & ~Q(address="")) | (~Q(file="") & Q(address="")),
                name="image_is_file_or_address",
            )
        ]
        indexes = [models.Index(fields=["product", "position", "id"], name="image_order")]

    def __str__(self) -> str:
        return self.alt or self.file or self.address

    @property
    def url(self) -> str:
        """Where the picture is; without a host where the shop serves it itself."""
        return default_storage.url(self.file) if self.file else self.address

    @property
    def thumbnail_url(self) -> str:
        """Where its small version is; of an address elsewhere the picture itself."""
        return default_storage.url(self.thumbnail) if self.thumbnail else self.address
