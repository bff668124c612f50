"""The tree of categories, read whole, once for each version of the catalogue."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from catalog import version
from catalog.models import Category

SEPARATOR = " > "
MAX_DEPTH = 10


class CategoryTree:
    """Parents, paths and descendants of a set of categories."""

    def __init__(self, categories: Iterable[Category]) -> None:
        self.by_id = {category.pk: category for category in categories}
        self._paths: dict[int | None, str] = {}  # made at most once each: the tree never changes

    @classmethod
    def read(cls, *, seen: version.Version | None = None) -> "CategoryTree":
        """Return the tree of all categories; it is shared, so nobody may change it.

        :param seen: the version that the caller has just read, to save reading it again.
        """
        return version.remembered(
            "category tree", lambda: cls(Category.objects.order_by("position", "pk")), seen=seen
        )

    @cached_property
    def children(self) -> dict[int | None, list[Category]]:
        """The categories per parent, in the order given; at ``None`` those at the top."""
        children: dict[int | None, list[Category]] = defaultdict(list)
        for category in self.by_id.values():
            parent_id = category.parent_id if category.parent_id in self.by_id else None
            children[parent_id].append(category)
        return children

    def lineage(self, category_id: int | None) -> list[Category]:
        """Return the categories from the top down to this one."""
        found: list[Category] = []
        while category_id in self.by_id and len(found) < len(self.by_id):
            found.append(self.by_id[category_id])
            category_id = found[-1].parent_id
        return found[::-1]

    def path(self, category_id: int | None) -> str:
        """Return the names from the top down, as in ``Home > Lighting``."""
        if category_id not in self._paths:
            names = (category.name for category in self.lineage(category_id))
            self._paths[category_id] = SEPARATOR.join(names)
        return self._paths[category_id]

    def descendants(self, category_id: int) -> set[int]:
        """Return the id of the category and of all below it."""
        found = {category_id}
        waiting = [category_id]
        while waiting:
            below = {child.pk for child in self.children.get(waiting.pop(), ())} - found
            found |= below
            waiting.extend(below)
        return found

    def height(self, category_id: int) -> int:
        """Return how many levels the category and what is below it take up."""
        lowest = max(len(self.lineage(pk)) for pk in self.descendants(category_id))
        return lowest - len(self.lineage(category_id)) + 1

    def visible(self) -> "CategoryTree":
        """Return the tree that customers see: without hidden categories and what is below.

        It is shared as this one is.
        """
        return self._visible

    @cached_property
    def hidden_ids(self) -> set[int]:
        """The ids of the categories that customers do not see."""
        return self.by_id.keys() - self.visible().by_id.keys()

    @cached_property
    def _visible(self) -> "CategoryTree":
        shown = [
            category
            for category in self.by_id.values()
            if all(above.is_active for above in self.lineage(category.pk))
        ]
        return CategoryTree(shown)
