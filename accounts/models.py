"""Who may come in."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Permission, PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property

# No "@": a login name with one is an email address.
validate_username = RegexValidator(
    r"\A[A-Za-z0-9_.+-]+\Z",
    "A username is made of letters, digits and the signs . _ + -",
    "invalid_username",
)


class UserManager(BaseUserManager["User"]):
    """Creates accounts that the operator vouches for; the public registers by a service."""

    use_in_migrations = True

    def create_user(
        self, username: str, email: str | None = None, password: str | None = None, **extra: Any
    ) -> "User":
        """Return a new account whose email, if it has one, counts as verified."""
        email = self.normalize_email(email) if email else None
        if email:
            extra.setdefault("email_verified_at", timezone.now())
        user = self.model(username=username, email=email, **extra)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra: Any
    ) -> "User":
        """Return a new account that may do everything."""
        return self.create_user(
            username, email, password, **{**extra, "is_staff": True, "is_superuser": True}
        )


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account: customer or staff.

    ``is_active`` and ``email_verified_at`` are two different facts: login needs the first, and
    the second where there is an email. Both names are unique whatever their case.
    """

    username = models.CharField(max_length=150, unique=True, validators=[validate_username])
    username_key = models.GeneratedField(
        expression=Lower("username"),
        output_field=models.CharField(max_length=150),
        db_persist=True,
    )
    email = models.EmailField(null=True, blank=True)  # noqa: DJ001  # unique where there is one
    email_key = models.GeneratedField(
        expression=Lower("email"),
        output_field=models.CharField(max_length=254, null=True),
        db_persist=True,
    )
    first_name = models.CharField(max_length=150, blank=True, default="")
    last_name = models.CharField(max_length=150, blank=True, default="")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May enter the admin site.")
    email_verified_at = models.DateTimeField(null=True, blank=True)
    date_joined = models.DateTimeField(default=timezone.now)
    sign_in_epoch = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text="Moves on when all sign-ins end; an admin session of an earlier one is dead.",
    )

    objects = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["email"]

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["username_key"], name="username_once"),
            models.UniqueConstraint(fields=["email_key"], name="email_once"),
        ]

    def __str__(self) -> str:
        return self.username

    @cached_property
    def must_enrol_two_factor(self) -> bool:
        """Whether a role demands a second factor that is not there: till then no role counts.

        A superuser counts as an ``admin``. Remembered for this object, so for one request.
        """
        demanding = set(settings.TWO_FACTOR_ROLES)
        if not demanding:
            return False
        has_role = self.is_superuser and "admin" in demanding
        if not has_role and not self.groups.filter(name__in=demanding).exists():
            return False
        return not TwoFactor.objects.filter(user=self).confirmed().exists()

    @cached_property
    def holds_rights(self) -> bool:
        """Whether any permission was given to it or to a role that it has, active or not.

        Remembered for this object; selectors that look an account up read it along with the row.
        """
        of_roles = models.Q(group__user=self.pk)
        return Permission.objects.filter(of_roles | models.Q(user=self.pk)).exists()

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return not self.must_enrol_two_factor and super().has_perm(perm, obj)

    def has_module_perms(self, app_label: str) -> bool:
        return not self.must_enrol_two_factor and super().has_module_perms(app_label)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what a session of the admin site is held against at every request."""
        text = f"{self.password}:{self.sign_in_epoch}"
        return salted_hmac(
            "accounts.admin_session", text, secret=secret, algorithm="sha256"
        ).hexdigest()

    def get_full_name(self) -> str:
        """Return first and last name, the username where both are empty."""
        return f"{self.first_name} {self.last_name}".strip() or self.username

    def get_short_name(self) -> str:
        return self.first_name or self.username


class SessionQuerySet(models.QuerySet["Session"]):
    """Chainable reads of sessions."""

    def live(self, now: datetime) -> "SessionQuerySet":
        """Return the sessions that are neither revoked nor past their end."""
        return self.filter(revoked_at=None, expires_at__gt=now)


class Session(models.Model):
    """One login on one device: a family of refresh tokens, of which one is current."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    rotates = models.BooleanField(help_text="Each refresh brings a new refresh token.")
    refresh_jti = models.CharField(max_length=32)
    recent_rotations = models.JSONField(
        default=list, blank=True, help_text="[jti, when it was used (POSIX seconds)], oldest first."
    )
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    user_agent = models.CharField(max_length=255, blank=True, default="")
    ip = models.GenericIPAddressField(null=True, blank=True)

    objects = SessionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Session {self.pk}"


class OtpPurpose(models.TextChoices):
    """What a one-time password is good for."""

    ACTIVATION = "activation", "verifying an email address"
    PASSWORD_RESET = "password_reset", "setting a new password"


class OtpQuerySet(models.QuerySet["Otp"]):
    """Chainable reads of one-time passwords."""

    def sent_to(self, email: str, purpose: OtpPurpose) -> "OtpQuerySet":
        """Return those for one purpose that went to this address, in any case."""
        return self.filter(purpose=purpose, email_key=Lower(models.Value(email)))


class Otp(models.Model):
    """A one-time password that was mailed; only a keyed hash of it is kept."""

    MAX_TRIES = 5

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="otps", db_index=False)
    purpose = models.CharField(max_length=16, choices=OtpPurpose)
    email = models.EmailField(help_text="The address that the code proves.")
    email_key = models.GeneratedField(
        expression=Lower("email"),
        output_field=models.CharField(max_length=254),
        db_persist=True,
    )
    code_hash = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    objects = OtpQuerySet.as_manager()

    class Meta:
        verbose_name = "one-time password"
        constraints = [
            models.UniqueConstraint(fields=["user", "purpose"], name="otp_once_a_purpose"),
            models.UniqueConstraint(fields=["email_key", "purpose"], name="otp_once_an_address"),
            models.CheckConstraint(condition=models.Q(tries__lte=5), name="otp_tries_at_most_5"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} of user {self.user_id}"


class OtpRequestCount(models.Model):
    """When codes were last asked for with one address, whether anybody has it or not.

    The five latest requests, oldest first, shift by one in a single guarded UPDATE: that is an
    exact sliding window. The address itself is not kept.
    """

    purpose = models.CharField(max_length=16, choices=OtpPurpose)
    address_digest = models.CharField(max_length=64)
    asked_at_1 = models.DateTimeField()
    asked_at_2 = models.DateTimeField()
    asked_at_3 = models.DateTimeField()
    asked_at_4 = models.DateTimeField()
    asked_at_5 = models.DateTimeField(db_index=True, help_text="The latest request.")
    tried_at = models.DateTimeField(null=True, blank=True, help_text="The latest code tried.")

    class Meta:
        verbose_name = "count of code requests"
        verbose_name_plural = "counts of code requests"
        constraints = [
            models.UniqueConstraint(
                fields=["address_digest", "purpose"], name="otp_request_count_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.address_digest[:8]}"


class EmailChangeQuerySet(models.QuerySet["EmailChange"]):
    """Chainable reads of changes of email."""

    def to_address(self, email: str) -> "EmailChangeQuerySet":
        """Return the one whose new address this is, in any case."""
        return self.filter(new_email_key=Lower(models.Value(email)))

    def waiting(self, since: datetime) -> "EmailChangeQuerySet":
        """Return those that were asked for since then and not confirmed."""
        return self.filter(confirmed_at=None, requested_at__gt=since)


class EmailChange(models.Model):
    """A new address that waits for its code; it reserves nothing meanwhile.

    Of those who want one address the latest waits alone: more waiting would mean more codes for
    one mailbox, and a guess would be held against all of them.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="email_change")
    old_email = models.EmailField(blank=True, default="")
    new_email = models.EmailField()
    new_email_key = models.GeneratedField(
        expression=Lower("new_email"),
        output_field=models.CharField(max_length=254),
        db_persist=True,
    )
    requested_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    objects = EmailChangeQuerySet.as_manager()

    class Meta:
        verbose_name = "change of email"
        verbose_name_plural = "changes of email"
        constraints = [
            models.UniqueConstraint(fields=["new_email_key"], name="email_change_once_an_address")
        ]

    def __str__(self) -> str:
        return f"Change of email of user {self.user_id}"


class TwoFactorQuerySet(models.QuerySet["TwoFactor"]):
    """Chainable reads of second factors."""

    def confirmed(self) -> "TwoFactorQuerySet":
        """Return those that are asked for at a login."""
        return self.exclude(confirmed_at=None)


class TwoFactor(models.Model):
    """A secret shared with somebody's authenticator app; unreadable without the shop's key."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="two_factor")
    sealed_secret = models.CharField(max_length=255)
    last_step = models.BigIntegerField(default=0, help_text="The latest half minute used up.")
    created_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    objects = TwoFactorQuerySet.as_manager()

    class Meta:
        verbose_name = "second factor"
        permissions = [("reset_twofactor", "Can reset a colleague's second factor")]

    def __str__(self) -> str:
        return f"Second factor of user {self.user_id}"


class RecoveryCode(models.Model):
    """Stands in for a lost telephone, once; only a keyed hash of it is kept."""

    factor = models.ForeignKey(
        TwoFactor, on_delete=models.CASCADE, related_name="recovery_codes", db_index=False
    )
    code_hash = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["factor", "code_hash"], name="recovery_code_once")
        ]

    def __str__(self) -> str:
        return f"Recovery code #{self.pk}"
