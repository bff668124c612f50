"""Shapes in and out; what a password may be beyond its length is the services' to say."""

from typing import Any

from django.core.validators import RegexValidator
from django.utils import timezone
from rest_framework import serializers

from accounts import selectors
from accounts.models import Session, User, validate_username

PASSWORD: dict[str, Any] = {
    "max_length": 128,
    "trim_whitespace": False,
    "style": {"input_type": "password"},
}
NAME: dict[str, Any] = {
    "max_length": 150,
    "required": False,
    "allow_blank": True,
    "validators": [RegexValidator(r"\A[^\x00-\x1f\x7f]*\Z", "A name is one line of text.")],
}
LONGEST_TOKEN = 4096


class OtpField(serializers.Field):
    """Six digits as a text, or as a number whose leading zeros got lost."""

    default_error_messages = {"invalid": "A code has six digits."}

    class Meta:
        swagger_schema_fields = {"type": "string", "pattern": "^[0-9]{6}$", "example": "012345"}

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, int) and not isinstance(data, bool) and 0 <= data < 10**6:
            return f"{data:06d}"
        if isinstance(data, str):
            text = data.strip()
            if len(text) == 6 and text.isascii() and text.isdigit():
                return text
        self.fail("invalid")

    def to_representation(self, value: Any) -> str:
        return str(value)


class SecondFactorField(serializers.CharField):
    """Six digits of the app, or a recovery code; a number may have lost its leading zeros."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=32, write_only=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        return text.zfill(6) if isinstance(data, int) else text.replace(" ", "")


class DetailSerializer(serializers.Serializer[Any]):
    """A sentence, where there is nothing else to say."""

    detail = serializers.CharField()


class ProfileSerializer(serializers.ModelSerializer[User]):
    """A person's account as they see it themselves."""

    email_verified = serializers.SerializerMethodField()
    pending_email = serializers.SerializerMethodField(
        help_text="A new address that waits for its code."
    )
    roles = serializers.SerializerMethodField()
    is_authenticated = serializers.BooleanField(read_only=True)

    class Meta:
        model = User
        fields = (
            "id",
            "username",
            "email",
            "email_verified",
            "pending_email",
            "first_name",
            "last_name",
            "roles",
            "is_staff",
            "is_authenticated",
            "date_joined",
        )
        read_only_fields = fields

    def get_email_verified(self, user: User) -> bool:
        return user.email_verified_at is not None

    def get_pending_email(self, user: User) -> str | None:
        change = selectors.get_pending_email_change(user, now=timezone.now())
        return change.new_email if change else None

    def get_roles(self, user: User) -> list[str]:
        return sorted(group.name for group in user.groups.all())


class UserSerializer(serializers.ModelSerializer[User]):
    """An account as staff see it."""

    email_verified = serializers.SerializerMethodField()
    roles = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = (
            "id",
            "username",
            "email",
            "email_verified",
            "first_name",
            "last_name",
            "roles",
            "is_active",
            "is_staff",
            "date_joined",
            "last_login",
        )
        read_only_fields = fields

    def get_email_verified(self, user: User) -> bool:
        return user.email_verified_at is not None

    def get_roles(self, user: User) -> list[str]:
        return sorted(group.name for group in user.groups.all())


def current_password_field() -> serializers.CharField:
    """Return the field that proves who sits there; not needed within ten minutes of a login."""
    return serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        write_only=True,
        help_text="May be left out within 10 minutes of a login.",
        **PASSWORD,
    )


def second_factor_field() -> "SecondFactorField":
    """Return the field that proves it further, where there is a second factor."""
    return SecondFactorField(
        required=False,
        allow_blank=True,
        help_text="Of the second factor, where there is one and the login is more than 10 minutes"
        " old.",
    )


class ProfileUpdateSerializer(serializers.Serializer[Any]):
    """What one may change of oneself; what is left out stays as it is."""

    email = serializers.EmailField(max_length=254, required=False, allow_null=True)
    first_name = serializers.CharField(**NAME)
    last_name = serializers.CharField(**NAME)
    current_password = current_password_field()
    otp = second_factor_field()


class UserUpdateSerializer(ProfileUpdateSerializer):
    """What may be changed of an account; ``is_active`` by staff only."""

    is_active = serializers.BooleanField(required=False)


class RegistrationSerializer(serializers.Serializer[Any]):
    """A new account; the username is made from the email where it is left out."""

    username = serializers.CharField(
        max_length=150, required=False, allow_blank=True, validators=[validate_username]
    )
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(min_length=8, write_only=True, **PASSWORD)
    re_password = serializers.CharField(required=False, write_only=True, **PASSWORD)
    first_name = serializers.CharField(default="", **NAME)
    last_name = serializers.CharField(default="", **NAME)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        require_same(attrs, "password", "re_password")
        return attrs


class RegisteredSerializer(serializers.ModelSerializer[User]):
    """The account that waits for its code."""

    class Meta:
        model = User
        fields = ("id", "username", "email", "first_name", "last_name")
        read_only_fields = fields


class EmailSerializer(serializers.Serializer[Any]):
    """An address, whether somebody has it or not."""

    email = serializers.EmailField(max_length=254)


class OtpVerificationSerializer(EmailSerializer):
    """The code that was mailed to an address."""

    otp = OtpField()


class CredentialsSerializer(serializers.Serializer[Any]):
    """A login: a name with an ``@``, in either field, is an email."""

    username = serializers.CharField(max_length=254, required=False, allow_blank=True)
    email = serializers.CharField(max_length=254, required=False, allow_blank=True)
    password = serializers.CharField(write_only=True, **PASSWORD)
    otp = SecondFactorField(
        required=False, allow_blank=True, help_text="Of the second factor, where there is one."
    )
    code = SecondFactorField(required=False, allow_blank=True, help_text="Another name of `otp`.")
    refresh = serializers.CharField(
        max_length=LONGEST_TOKEN,
        required=False,
        allow_blank=True,
        help_text="Of the session that this login takes the place of: it ends.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["second_factor"] = attrs.get("otp") or attrs.get("code") or ""
        attrs["login"] = attrs.get("username") or attrs.get("email")
        attrs.setdefault("refresh", "")
        if not attrs["login"]:
            raise serializers.ValidationError(
                {"username": ["Send a username or an email."]}, code="required"
            )
        return attrs


class TokensSerializer(serializers.Serializer[Any]):
    """The tokens of a session."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class RefreshedSerializer(serializers.Serializer[Any]):
    """A new access token, and a new refresh token where they rotate."""

    access = serializers.CharField()
    refresh = serializers.CharField(required=False)

    class Meta:
        swagger_schema_fields = {"x_optional": ["refresh"]}


class LoggedInSerializer(TokensSerializer):
    """The tokens of a session and whose it is."""

    user = ProfileSerializer()


class RefreshSerializer(serializers.Serializer[Any]):
    """A refresh token."""

    refresh = serializers.CharField(max_length=LONGEST_TOKEN)


class TokenSerializer(serializers.Serializer[Any]):
    """A token of either kind."""

    token = serializers.CharField(max_length=LONGEST_TOKEN)


class LogoutSerializer(serializers.Serializer[Any]):
    """Which session ends: that of a refresh token, or all of them."""

    refresh = serializers.CharField(max_length=LONGEST_TOKEN, required=False)
    all = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs["all"] and "refresh" not in attrs:
            raise serializers.ValidationError(
                {"refresh": ["Send the refresh token, or all: true."]}, code="required"
            )
        return attrs


class PasswordChangeSerializer(serializers.Serializer[Any]):
    """The old password and the new."""

    old_password = serializers.CharField(write_only=True, **PASSWORD)
    new_password = serializers.CharField(min_length=8, write_only=True, **PASSWORD)


class NewPasswordSerializer(serializers.Serializer[Any]):
    """A new password."""

    new_password = serializers.CharField(min_length=8, write_only=True, **PASSWORD)


class PasswordResetByCodeSerializer(OtpVerificationSerializer):
    """A new password and the code that allows it."""

    new_password = serializers.CharField(min_length=8, write_only=True, **PASSWORD)


class RepeatedPasswordSerializer(serializers.Serializer[Any]):
    """A new password, twice."""

    password = serializers.CharField(min_length=8, write_only=True, **PASSWORD)
    confirm_password = serializers.CharField(required=False, write_only=True, **PASSWORD)
    re_password = serializers.CharField(required=False, write_only=True, **PASSWORD)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "confirm_password" not in attrs and "re_password" not in attrs:
            raise serializers.ValidationError(
                {"confirm_password": ["This field is required."]}, code="required"
            )
        require_same(attrs, "password", "confirm_password")
        require_same(attrs, "password", "re_password")
        return attrs


class AccountDeletionSerializer(serializers.Serializer[Any]):
    """The password that confirms the end of an account."""

    current_password = current_password_field()


def require_same(attrs: dict[str, Any], name: str, repeated: str) -> None:
    """Refuse a repetition that was sent and is another text.

    :raises serializers.ValidationError: under the repetition's name.
    """
    if repeated in attrs and attrs[repeated] != attrs[name]:
        raise serializers.ValidationError(
            {
                repeated: [
                    serializers.ErrorDetail("The two passwords differ.", code="password_mismatch")
                ]
            }
        )


class SessionSerializer(serializers.ModelSerializer[Session]):
    """One signed-in device."""

    is_current = serializers.SerializerMethodField(help_text="The one that this request came by.")

    class Meta:
        model = Session
        fields = (
            "id",
            "created_at",
            "last_used_at",
            "expires_at",
            "user_agent",
            "ip",
            "is_current",
        )

    def get_is_current(self, session: Session) -> bool:
        return bool(session.pk == self.context.get("current"))
