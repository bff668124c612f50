"""Every write of accounts; one function for each thing a person or the shop does."""

from accounts.services.guessing import counted_login, counted_try
from accounts.services.housekeeping import sweep
from accounts.services.lost_factors import Evidence, Proof, reset_two_factor_as_staff
from accounts.services.otps import make_code
from accounts.services.passwords import (
    change_password,
    note_password_set_in_admin,
    request_reset_code,
    request_reset_link,
    reset_password_by_code,
    reset_password_by_link,
)
from accounts.services.presence import require_presence
from accounts.services.profiles import (
    delete_account_as_staff,
    delete_own_account,
    set_active,
    update_profile,
    update_user_as_staff,
)
from accounts.services.registration import (
    activate_by_link,
    delete_dead_registrations,
    register,
    request_activation_code,
    verify_email,
)
from accounts.services.roles import require_rights_to_give, require_verified_email, sync_roles
from accounts.services.sessions import (
    Device,
    log_in,
    log_in_without_rotation,
    log_out,
    open_session,
    refresh,
    verify,
)
from accounts.services.signing_out import (
    revoke_session,
    revoke_session_as_staff,
    revoke_sessions,
)
from accounts.services.two_factor import (
    Enrolment,
    begin_two_factor,
    confirm_two_factor,
    renew_recovery_codes,
    require_second_factor,
    switch_two_factor_off,
)

__all__ = [
    "Evidence",
    "Proof",
    "Enrolment",
    "begin_two_factor",
    "confirm_two_factor",
    "renew_recovery_codes",
    "require_presence",
    "require_second_factor",
    "reset_two_factor_as_staff",
    "require_rights_to_give",
    "require_verified_email",
    "switch_two_factor_off",
    "counted_login",
    "counted_try",
    "Device",
    "activate_by_link",
    "change_password",
    "note_password_set_in_admin",
    "delete_account_as_staff",
    "delete_dead_registrations",
    "delete_own_account",
    "log_in",
    "log_in_without_rotation",
    "log_out",
    "make_code",
    "open_session",
    "refresh",
    "register",
    "request_activation_code",
    "request_reset_code",
    "request_reset_link",
    "reset_password_by_code",
    "reset_password_by_link",
    "revoke_session",
    "revoke_session_as_staff",
    "revoke_sessions",
    "set_active",
    "sweep",
    "sync_roles",
    "update_profile",
    "update_user_as_staff",
    "verify",
    "verify_email",
]
