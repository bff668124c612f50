"""Where the admin site's sessions are kept: SESSION_ENGINE, which loads no page of ``admin/``."""

import re

from django.contrib.sessions.backends import db

_KEY = re.compile(r"[a-z0-9]{32}")  # what Django makes of VALID_KEY_CHARS


class SessionStore(db.SessionStore):
    """Django's own, to which a cookie that names no session of ours is none at all.

    Django looks up whatever has eight characters, and some of it the database cannot be asked for.
    """

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(key and _KEY.fullmatch(key))
