"""Categories, as ``CategorySerializer`` and ``CategoryBranchSerializer`` show them."""

from typing import Any

from catalog.category_tree import CategoryTree
from catalog.models import Category


def show_category(category: Category, tree: CategoryTree) -> dict[str, Any]:
    """Return one category."""
    return {
        "id": category.pk,
        "name": category.name,
        "slug": category.slug,
        "path": tree.path(category.pk),
        "description": category.description,
        "parent": category.parent_id,
        "position": category.position,
        "is_active": category.is_active,
    }


def show_tree(tree: CategoryTree) -> dict[str, Any]:
    """Return all of it, nested."""
    branches = {pk: {**show_category(row, tree), "children": []} for pk, row in tree.by_id.items()}
    for parent_id, below in tree.children.items():
        if parent_id is not None:
            branches[parent_id]["children"] = [branches[row.pk] for row in below]
    results = [branches[row.pk] for row in tree.children.get(None, ())]
    return {"count": len(results), "next": None, "previous": None, "results": results}
