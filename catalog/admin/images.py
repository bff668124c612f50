from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.html import format_html

from catalog import services
from catalog.admin.refusals import RefusingAdmin
from catalog.models import ProductImage
from shop_backend.kernel.admin import ShopTabularInline
from shop_backend.kernel.forms import ThemedForm


class ImageForm(ThemedForm, forms.ModelForm):
    """A new image is a file or an address; later its text and its place change."""

    upload = forms.FileField(required=False, help_text="JPEG, PNG, WebP or GIF, at most 5 MB.")

    class Meta:
        model = ProductImage
        fields = ["product", "alt", "position", "address"]

    def clean(self) -> Any:
        cleaned = super().clean() or {}
        is_new = self.instance.pk is None
        if is_new and bool(cleaned.get("upload")) == bool(cleaned.get("address")):
            raise ValidationError("Choose a file or write an address, and not both.")
        return cleaned


class ProductImageInline(ShopTabularInline):
    """A product's pictures in their order; each is changed on its own page."""

    model = ProductImage
    can_delete = False
    show_change_link = True
    fields = ["picture", "alt", "position"]
    readonly_fields = ["picture", "alt", "position"]
    ordering = ["position", "pk"]

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.display(description="Picture")
    def picture(self, image: ProductImage) -> str:
        return thumbnail_of(image)


def thumbnail_of(image: ProductImage) -> str:
    """Return the small picture as HTML."""
    return format_html(
        '<img src="{}" alt="{}" height="60" style="height: 60px" loading="lazy">',
        image.thumbnail_url,
        image.alt,
    )


@admin.register(ProductImage)
class ProductImageAdmin(RefusingAdmin):
    """The pictures of all products."""

    form = ImageForm
    takes_uploads = True
    list_display = ["thumbnail_image", "product", "alt", "position", "created_at"]
    list_display_links = ["thumbnail_image", "alt"]
    list_select_related = ["product"]
    search_fields = ["alt", "product__name"]
    autocomplete_fields = ["product"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ["product", "upload", "address", "alt", "position"]
        return ["thumbnail_image", "product", "address", "alt", "position"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None else ["thumbnail_image", "product", "address"]

    @admin.display(description="Picture")
    def thumbnail_image(self, image: ProductImage) -> str:
        return thumbnail_of(image)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        if change:
            fields = {name: form.cleaned_data[name] for name in form.changed_data}
            services.update_image(image=obj, fields=fields)
            return
        chosen = form.cleaned_data
        common = {"product": chosen["product"], "alt": chosen["alt"]}
        common["position"] = chosen["position"] or None
        upload = chosen["upload"]
        if upload:
            made = services.upload_image(upload=upload, size=upload.size, **common)
        else:
            made = services.link_image(address=chosen["address"], **common)
        obj.pk = made.pk
        obj._state.adding = False
