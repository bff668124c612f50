"""Every way the shop says no has one code and a sane status."""

import importlib
import importlib.util
from collections import Counter

import pytest
from django.apps import apps

from shop_backend.kernel import errors
from shop_backend.kernel.errors import ShopError

OURS = ["accounts", "inventory", "catalog", "payments", "shipping", "cart", "orders"]
# These are only ever the parents of refusals.
KINDS = {errors.BadInput, errors.Refused, errors.Missing, errors.Conflict, errors.Unavailable}


def refusals() -> list[type[ShopError]]:
    for label in OURS:
        name = f"{apps.get_app_config(label).name}.errors"
        if importlib.util.find_spec(name):
            importlib.import_module(name)
    found, waiting = [], [ShopError]
    while waiting:
        for child in waiting.pop().__subclasses__():
            waiting.append(child)
            if child not in KINDS and ".tests." not in child.__module__:
                found.append(child)
    return found


def test_every_refusal_has_a_code_of_its_own():
    codes = Counter(refusal.code for refusal in refusals())

    assert {code: count for code, count in codes.items() if count > 1} == {}
    assert "error" not in codes


def test_every_refusal_is_a_4xx_or_503_with_a_code_and_a_sentence():
    for refusal in refusals():
        assert refusal.status in {400, 401, 403, 404, 409, 412, 422, 428, 429, 503}, refusal
        assert refusal.code.replace("_", "").isalnum(), refusal
        assert refusal.code == refusal.code.lower(), refusal
        assert refusal.message.endswith((".", "?", "!", "}")), refusal


def test_a_refusal_puts_its_values_into_its_sentence():
    refusal = errors.UnknownOrdering(ordering="size", choices="name, price")

    assert str(refusal) == "The list cannot be ordered by size; choose one of: name, price."
    assert refusal.params == {"ordering": "size", "choices": "name, price"}
    with pytest.raises(KeyError):
        errors.UnknownOrdering()
