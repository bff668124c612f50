"""People, their sessions and their codes in the admin site."""

from accounts.admin.codes import EmailChangeAdmin, OtpAdmin, OtpRequestCountAdmin
from accounts.admin.roles import RoleAdmin
from accounts.admin.sessions import SessionAdmin
from accounts.admin.two_factor import TwoFactorAdmin
from accounts.admin.users import UserAdmin

__all__ = [
    "EmailChangeAdmin",
    "OtpAdmin",
    "OtpRequestCountAdmin",
    "RoleAdmin",
    "SessionAdmin",
    "TwoFactorAdmin",
    "UserAdmin",
]
