"""Every path has two faces and two spellings; tests walk all four."""

from typing import Any

import pytest

# prefix and ending of a path: /api/orders/, /api/orders, /orders/, /orders
SPELLINGS = [("/api", "/"), ("/api", ""), ("", "/"), ("", "")]
every_spelling = pytest.mark.parametrize(("prefix", "ending"), SPELLINGS)


def payload_of(response: Any, prefix: str = "/api") -> Any:
    """Return the bare payload of a success on the face that the prefix stands for."""
    body = response.json()
    if not prefix:
        return body
    assert body["success"] is True
    return body["data"]


def code_of(response: Any, prefix: str = "/api") -> str:
    """Return the stable code of a refusal, after checking the face's shape."""
    body = response.json()
    if prefix:
        assert body["success"] is False
        assert body["data"] is None
    else:
        assert "success" not in body
    return body["code"]
