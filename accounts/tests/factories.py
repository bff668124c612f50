"""People for tests; groups exist because migrating made them."""

from typing import Any

import factory
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.models import User

PASSWORD = "correct horse battery"


class UserFactory(factory.django.DjangoModelFactory[User]):
    """A customer with a verified email and the password ``PASSWORD``."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"customer{number}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    email_verified_at = factory.LazyFunction(timezone.now)
    password = factory.django.Password(PASSWORD)


class StaffFactory(UserFactory):
    """A member of staff: ``StaffFactory(role="warehouse")``."""

    username = factory.Sequence(lambda number: f"staff{number}")
    is_staff = True

    @factory.post_generation
    def role(self, create: bool, extracted: Any, **kwargs: Any) -> None:  # noqa: FBT001  # factory_boy's signature
        self.groups.add(Group.objects.get(name=extracted or "manager"))
