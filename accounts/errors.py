"""Every way accounts says no."""

from collections.abc import Callable, Sequence

from shop_backend.kernel.errors import (
    BadInput,
    Conflict,
    Missing,
    Refused,
    ShopError,
    Unavailable,
)
from shop_backend.kernel.errors import InvalidToken as InvalidToken  # the kernel says it, too


class InvalidCredentials(ShopError):
    """The same words and the same status for every reason, so that nothing is told."""

    status = 401
    code = "invalid_credentials"
    message = "No account can log in with these credentials."


class TooManyPasswords(ShopError):
    """Too many wrong passwords for one login name, whether anybody has it or not."""

    status = 429
    code = "too_many_passwords"
    message = "Too many wrong passwords; please wait before you try again."

    def __init__(self, *, seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = seconds


class PasswordsBusy(Unavailable):
    """This process works on as many passwords as it may; nothing was counted or compared."""

    code = "passwords_busy"
    message = "Many people are logging in at the moment; please try again."
    retry_after_seconds = 1

    def __init__(self, *, holds: Callable[[], bool] | None) -> None:
        super().__init__()
        self.holds = holds


class RefreshAlreadyUsed(Conflict):
    code = "refresh_already_used"
    message = "This refresh token was used a moment ago; use the one that came back then."


class UsernameTaken(BadInput):
    code = "username_taken"
    message = "A user with that username already exists."
    field = "username"


class EmailTaken(BadInput):
    code = "email_taken"
    message = "A user with that email already exists."
    field = "email"


class InvalidOtp(BadInput):
    code = "invalid_otp"
    message = "The code is wrong or no longer valid; ask for a new one."
    field = "otp"


class OtpCooldown(ShopError):
    """The address was sent in too often, whether anybody has it or not."""

    status = 429
    code = "otp_cooldown"
    message = "A code or link was asked for too recently or too often; please wait."

    def __init__(self, *, seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = seconds


class InvalidResetToken(BadInput):
    code = "invalid_reset_token"
    message = "The link is invalid, used or expired; ask for a new one."
    field = "token"


class InvalidActivationToken(BadInput):
    code = "invalid_activation_token"
    message = "The link is invalid or expired; register again."
    field = "token"


class AlreadyActivated(Refused):
    code = "already_activated"
    message = "The account was activated before."


class InvalidPassword(BadInput):
    """The present password of a signed-in person is not this one."""

    code = "invalid_password"
    message = "The password is wrong."

    def __init__(self, *, field: str) -> None:
        super().__init__()
        self.field = field


class WeakPassword(BadInput):
    code = "weak_password"
    message = "{reasons}"

    def __init__(self, *, field: str, reasons: Sequence[str]) -> None:
        super().__init__(reasons=" ".join(reasons))
        self.field = field


class PasswordRequired(BadInput):
    code = "password_required"
    message = "Your login is more than 10 minutes old: confirm with your current password."
    field = "current_password"


class TwoFactorCodeRequired(BadInput):
    code = "two_factor_code_required"
    message = "This account has a second factor: confirm with a code of it as well."
    field = "otp"


class StaffAccount(Conflict):
    code = "staff_account"
    message = "A staff account is not deleted; another administrator deactivates it."


class OwnAccount(Conflict):
    code = "own_account"
    message = "You cannot deactivate your own account."


class ProtectedAccount(Refused):
    code = "protected_account"
    message = "This account has rights that you lack: it is changed by who has them."


class RightsYouLack(Refused):
    code = "rights_you_lack"
    message = "You cannot give rights that you lack: {groups}."


class UnverifiedEmail(Conflict):
    """Who registered with an address may be anybody; rights would go to them."""

    code = "unverified_email"
    message = "The email is not verified: rights are given once its owner has verified it."


class NotYourEmail(Refused):
    code = "not_your_email"
    message = "An email is changed by its owner only."


class UserNotFound(Missing):
    code = "user_not_found"
    message = "There is no such user."


class TwoFactorRequired(ShopError):
    """Said only to who has sent the right password."""

    status = 401
    code = "two_factor_required"
    message = "This account has a second factor: send its code as `otp` too."


class TwoFactorFailed(ShopError):
    """At a login: wrong, or used before."""

    status = 401
    code = "two_factor_failed"
    message = "The code of the second factor is wrong, too old or was used before."


class InvalidTwoFactorCode(BadInput):
    """From somebody signed in: wrong, or used before."""

    code = "invalid_two_factor_code"
    message = "The code of the second factor is wrong, too old or was used before."
    field = "code"


class TooManyTwoFactorCodes(ShopError):
    status = 429
    code = "too_many_two_factor_codes"
    message = "Too many wrong codes; please wait before you try again."

    def __init__(self, *, seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = seconds


class TwoFactorAlreadyOn(Conflict):
    code = "two_factor_already_on"
    message = "The second factor is on; switch it off first."


class TwoFactorNotOn(Conflict):
    code = "two_factor_not_on"
    message = "There is no such second factor; begin with one first."


class OwnTwoFactor(Conflict):
    code = "own_two_factor"
    message = "Switch your own second factor off with password and code."
