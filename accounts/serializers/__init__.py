"""The shapes of accounts, in and out."""

from accounts.serializers.details import DetailSerializer
from accounts.serializers.devices import SessionSerializer
from accounts.serializers.djoser import (
    AuthAccessSerializer,
    AuthResetConfirmSerializer,
    AuthSetPasswordSerializer,
    AuthUserCreateSerializer,
    AuthUserSerializer,
    AuthUserUpdateSerializer,
    UidAndTokenSerializer,
)
from accounts.serializers.export import ExportSerializer
from accounts.serializers.passwords import (
    NewPasswordSerializer,
    PasswordChangeSerializer,
    PasswordResetByCodeSerializer,
    RepeatedPasswordSerializer,
)
from accounts.serializers.profile import (
    AccountDeletionSerializer,
    ProfileSerializer,
    ProfileUpdateSerializer,
)
from accounts.serializers.registration import (
    EmailSerializer,
    OtpVerificationSerializer,
    RegisteredSerializer,
    RegistrationSerializer,
)
from accounts.serializers.sessions import (
    CredentialsSerializer,
    LoggedInSerializer,
    LogoutSerializer,
    RefreshedSerializer,
    RefreshSerializer,
    TokenSerializer,
    TokensSerializer,
)
from accounts.serializers.two_factor import (
    EnrolmentSerializer,
    RecoveryCodesSerializer,
    TwoFactorBeginningSerializer,
    TwoFactorCodeSerializer,
    TwoFactorProofSerializer,
    TwoFactorSerializer,
)
from accounts.serializers.users import UserSerializer, UserUpdateSerializer

__all__ = [
    "AccountDeletionSerializer",
    "AuthAccessSerializer",
    "AuthResetConfirmSerializer",
    "AuthSetPasswordSerializer",
    "AuthUserCreateSerializer",
    "AuthUserSerializer",
    "AuthUserUpdateSerializer",
    "CredentialsSerializer",
    "DetailSerializer",
    "EmailSerializer",
    "EnrolmentSerializer",
    "ExportSerializer",
    "LoggedInSerializer",
    "LogoutSerializer",
    "NewPasswordSerializer",
    "OtpVerificationSerializer",
    "PasswordChangeSerializer",
    "PasswordResetByCodeSerializer",
    "ProfileSerializer",
    "ProfileUpdateSerializer",
    "RecoveryCodesSerializer",
    "RefreshSerializer",
    "RefreshedSerializer",
    "RegisteredSerializer",
    "RegistrationSerializer",
    "RepeatedPasswordSerializer",
    "SessionSerializer",
    "TokenSerializer",
    "TokensSerializer",
    "TwoFactorBeginningSerializer",
    "TwoFactorCodeSerializer",
    "TwoFactorProofSerializer",
    "TwoFactorSerializer",
    "UidAndTokenSerializer",
    "UserSerializer",
    "UserUpdateSerializer",
]
