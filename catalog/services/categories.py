"""The tree of shelves."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from catalog import errors
from catalog.category_tree import MAX_DEPTH, CategoryTree
from catalog.models import Category
from catalog.slugs import free_slug
from shop_backend.kernel import transactions


@transactions.use_case
def create_category(
    *,
    name: str,
    slug: str = "",
    description: str = "",
    parent: Category | None = None,
    position: int = 0,
    is_active: bool = True,
) -> Category:
    """Add a category.

    :param slug: made from the name if left out.
    :raises SlugTaken: another category has the slug.
    :raises CategoryTooDeep: the parent lies on the last level.
    """
    category = Category(
        name=name,
        slug=slug or free_slug(Category, name=name),
        description=description,
        parent=parent,
        position=position,
        is_active=is_active,
    )
    if parent is not None:
        _check_depth(_locked_tree(), parent, height=1)
    _save(category)
    return category


@transactions.use_case
def update_category(*, category: Category, fields: Mapping[str, Any]) -> Category:
    """Change the named fields of a category; an empty slug is made anew from the name.

    :raises SlugTaken: another category has the slug.
    :raises CategoryCycle: the new parent is the category itself or lies below it.
    :raises CategoryTooDeep: something would come to lie too deep.
    """
    parent = fields.get("parent")
    if parent is not None:  # always looked at anew: our copy of the category may be stale
        tree = _locked_tree()
        if parent.pk in tree.descendants(category.pk):
            raise errors.CategoryCycle
        _check_depth(tree, parent, height=tree.height(category.pk))
    for name, value in fields.items():
        setattr(category, name, value)
    if not category.slug:
        category.slug = free_slug(Category, name=category.name)
    _save(category, update_fields=list(fields))
    return category


@transactions.use_case
def delete_category(*, category: Category) -> None:
    """Remove a category that is empty.

    :raises CategoryInUse: it has products or categories below it.
    """
    try:
        with transaction.atomic():
            category.delete()
    except (ProtectedError, IntegrityError) as error:
        raise errors.CategoryInUse(category=category.name) from error


def _locked_tree() -> CategoryTree:
    """Return the tree, locked: two moves at once could make a ring that neither sees."""
    return CategoryTree(list(Category.objects.select_for_update().order_by("pk")))


def _check_depth(tree: CategoryTree, parent: Category, *, height: int) -> None:
    if len(tree.lineage(parent.pk)) + height > MAX_DEPTH:
        raise errors.CategoryTooDeep(most=MAX_DEPTH)


def _save(category: Category, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            category.save(update_fields=update_fields)
    except IntegrityError as error:
        raise errors.SlugTaken(slug=category.slug) from error
