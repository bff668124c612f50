from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from catalog import services
from catalog.category_tree import MAX_DEPTH, CategoryTree
from catalog.models import RESERVED_SLUGS, Category
from catalog.slugs import free_slug
from shop_backend.kernel.admin import ShopModelAdmin


class SlugForm(forms.ModelForm):
    """Makes the slug from the name where none is typed, and refuses words of other paths."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False
            self.fields["slug"].help_text = "Empty: made from the name."

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug in RESERVED_SLUGS:
            raise ValidationError("This word is a step of other paths.", "reserved_slug")
        return slug or free_slug(self._meta.model, name=self.cleaned_data.get("name", ""))


class CategoryForm(SlugForm):
    class Meta:
        model = Category
        fields = ["name", "slug", "description", "parent", "position", "is_active"]

    def clean_parent(self) -> Category | None:
        parent: Category | None = self.cleaned_data["parent"]
        if parent is None:
            return None
        tree = CategoryTree.read()
        height = 1
        if self.instance.pk is not None:
            if parent.pk in tree.descendants(self.instance.pk):
                raise ValidationError("A category cannot be moved below itself.")
            height = tree.height(self.instance.pk)
        if len(tree.lineage(parent.pk)) + height > MAX_DEPTH:
            raise ValidationError(f"Categories nest at most {MAX_DEPTH} levels deep.")
        return parent


@admin.register(Category)
class CategoryAdmin(ShopModelAdmin):
    form = CategoryForm
    list_display = ["name", "parent", "slug", "position", "is_active"]
    list_filter = ["is_active"]
    list_select_related = ["parent"]
    search_fields = ["name", "slug"]
    autocomplete_fields = ["parent"]

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: Any) -> None:
        if change:
            fields = {name: form.cleaned_data[name] for name in form.changed_data}
            services.update_category(category=obj, fields=fields)
        else:
            made = services.create_category(**form.cleaned_data)
            obj.pk = made.pk
            obj._state.adding = False
