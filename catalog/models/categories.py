"""The tree of shelves."""

from django.db import models

from catalog.models.slugs import validate_slug


class Category(models.Model):
    """A shelf in the tree of shelves."""

    name = models.CharField(max_length=100)
    slug = models.CharField(max_length=120, unique=True, validators=[validate_slug])
    description = models.TextField(blank=True, default="")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    position = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "categories"
        indexes = [models.Index(fields=["position", "id"], name="category_order")]

    def __str__(self) -> str:
        return self.name
