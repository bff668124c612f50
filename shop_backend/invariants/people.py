"""Accounts that could be taken for one another."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User


def accounts_of_one_name() -> QuerySet[User]:
    others = User.objects.exclude(pk=OuterRef("pk"))
    verified = others.filter(email_verified_at__isnull=False)
    is_verified = Q(email_verified_at__isnull=False)
    same_email = Exists(verified.filter(email_key=OuterRef("email_key")))
    same_username = Exists(others.filter(username_key=OuterRef("username_key")))
    return User.objects.filter((is_verified & same_email) | same_username)
