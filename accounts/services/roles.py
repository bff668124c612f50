"""Groups that equal the table of roles."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from django.contrib.auth.models import Group, Permission

from accounts import selectors
from accounts.errors import RightsYouLack, UnverifiedEmail
from accounts.models import User
from accounts.roles import ROLES
from shop_backend.kernel import transactions


@transactions.use_case
def sync_roles(app_label: str) -> None:
    """Make each role's group hold exactly the permissions of this app that the table grants it."""
    Group.objects.bulk_create([Group(name=role) for role in ROLES], ignore_conflicts=True)
    groups = {group.name: group for group in Group.objects.filter(name__in=ROLES)}
    permissions = {
        permission.pk: f"{app_label}.{permission.codename}"
        for permission in Permission.objects.filter(content_type__app_label=app_label)
    }
    granted = set(
        Group.permissions.through.objects.filter(permission_id__in=permissions).values_list(
            "group_id", "permission_id"
        )
    )
    for role, patterns in ROLES.items():
        group = groups[role]
        wanted = {pk for pk, name in permissions.items() if _is_granted(name, patterns)}
        present = {permission_id for group_id, permission_id in granted if group_id == group.pk}
        if wanted - present:
            group.permissions.add(*(wanted - present))
        if present - wanted:
            group.permissions.remove(*(present - wanted))


def require_rights_to_give(*, actor: User, groups: Sequence[Group]) -> None:
    """Refuse roles that grant what the giver lacks.

    :raises RightsYouLack: one does.
    """
    if actor.is_superuser or not groups:
        return
    if not selectors.rights_given_by(groups) <= set(actor.get_all_permissions()):
        raise RightsYouLack(groups=", ".join(sorted(group.name for group in groups)))


def require_verified_email(*, user: User) -> None:
    """Refuse rights to an account of which nobody knows that its email is its owner's.

    :raises UnverifiedEmail: the email still waits for its code.
    """
    if user.email and user.email_verified_at is None:
        raise UnverifiedEmail


def _is_granted(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
