"""What an account may do, read in one query, and in none where there is nothing to read."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from accounts.models import User

# Whether an account, or a role it has, was given any permission; SQL of every database.
HAS_PERMISSIONS = """(
    EXISTS (SELECT 1 FROM accounts_user_user_permissions own WHERE own.user_id = {user_id})
    OR EXISTS (
        SELECT 1 FROM accounts_user_groups role
        JOIN auth_group_permissions given ON given.group_id = role.group_id
        WHERE role.user_id = {user_id}
    )
)"""


class RoleBackend(ModelBackend):
    """Django's own, with the permissions of the account and of its roles read together."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return the account's permissions as ``app.codename``; none of one that is inactive."""
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        if not hasattr(user_obj, "_perm_cache"):
            user_obj._perm_cache = _read(user_obj)
        return user_obj._perm_cache


def note_that_there_are_none(user: Any) -> None:
    """Let an account of which that is known be asked for its permissions without a query."""
    user._perm_cache = set()


def _read(user: Any) -> set[str]:
    permissions = Permission.objects.all()
    if not user.is_superuser:
        own = User.user_permissions.through.objects.filter(user_id=user.pk)
        of_roles = Group.permissions.through.objects.filter(group__user=user.pk)
        permissions = permissions.filter(
            Q(pk__in=own.values("permission_id")) | Q(pk__in=of_roles.values("permission_id"))
        )
    names = permissions.order_by().values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in names}
