"""The groups are the table of roles, after every migration."""

import pytest
from django.contrib.auth.models import Group, Permission

from accounts import services
from accounts.roles import ROLES
from accounts.tests.factories import StaffFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def permissions_of(role: str) -> set[str]:
    rows = Permission.objects.filter(group__name=role).select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


def test_migrating_makes_every_role():
    assert set(ROLES) <= set(Group.objects.values_list("name", flat=True))


def test_every_permission_a_role_names_exists():
    for role, patterns in ROLES.items():
        named = {pattern for pattern in patterns if "*" not in pattern}
        assert named <= permissions_of(role)


def test_a_customer_role_grants_nothing():
    assert permissions_of("customer") == set()


def test_support_refunds_up_to_its_limit_and_no_more():
    support = StaffFactory(role="support")

    assert support.has_perm("payments.refund_payment_within_limit")
    assert support.has_perm("accounts.view_user")
    assert not support.has_perm("payments.refund_payment")
    assert not support.has_perm("accounts.change_user")


def test_an_admin_holds_every_permission_of_the_seven_apps():
    seven = {"accounts", "cart", "catalog", "inventory", "orders", "payments", "shipping"}
    rows = Permission.objects.filter(content_type__app_label__in=seven)

    admin = StaffFactory(role="admin")

    assert admin.has_perms([f"{row.content_type.app_label}.{row.codename}" for row in rows])
    assert not admin.is_superuser


def test_syncing_again_takes_away_what_the_table_does_not_grant_and_adds_what_is_missing():
    before = permissions_of("support")
    group = Group.objects.get(name="support")
    group.permissions.set([Permission.objects.get(codename="delete_user")])

    for app_label in ["accounts", "cart", "catalog", "orders", "payments", "shipping"]:
        services.sync_roles(app_label)

    assert permissions_of("support") == before


def test_a_plain_customer_has_no_permission_at_all():
    assert UserFactory().get_all_permissions() == set()
