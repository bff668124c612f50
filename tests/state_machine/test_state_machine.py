"""Thousands of ways through the shop, each compared with the model after each step.

``make test`` takes 50 runs of 50 steps; ``make model`` 2,000 (MODEL_RUNS), 25 to a test, so that
processes share them, the way they have come is seen, and one that differs is told at once. With
MODEL_SEED they are the same runs again, whichever process takes them.
"""

import os

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.state_machine.machine import ShopBesideItsModel, Stage

RUNS = int(os.environ.get("MODEL_RUNS", "50"))
SEED = os.environ.get("MODEL_SEED")
RUNS_OF_A_PART = 25
STEPS = 50


@pytest.mark.portable
@pytest.mark.django_db
@pytest.mark.parametrize("part", range(-(-RUNS // RUNS_OF_A_PART)))
def test_no_order_of_steps_parts_the_shop_from_its_model(part: int) -> None:
    """Within the test's transaction; each run is rolled back to its savepoint."""
    ShopBesideItsModel.stage = Stage()
    if SEED is not None:
        seed(int(SEED) + part)(ShopBesideItsModel)
    run_state_machine_as_test(
        ShopBesideItsModel,
        settings=settings(
            max_examples=RUNS_OF_A_PART,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
