"""Write the `.env` of a development machine, unless there is one.

``python -m shop_backend.dotenv_default`` in the project's folder; ``make run`` does. It needs the
standard library only and never touches a file that exists.
"""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

TEMPLATE = """\
# Written by `make run` for this machine alone; .env.example names every other variable.
SECRET_KEY={secret_key}
DEBUG=True
"""


def write_default(path: Path) -> bool:
    """Write a `.env` for development that only its owner can read.

    :returns: whether it was written; False means that there was one already.
    """
    descriptor, draft = tempfile.mkstemp(prefix=".env.", dir=path.parent)  # made with mode 600
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(TEMPLATE.format(secret_key=secrets.token_urlsafe(48)))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # whole or not at all, and never over another file
            return True
        return False
    finally:
        os.unlink(draft)


if __name__ == "__main__":
    if write_default(Path(".env")):
        print("Wrote .env with a random SECRET_KEY and DEBUG=True, for development only.")
