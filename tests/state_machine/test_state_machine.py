"""Thousands of ways through the shop, each compared with the model after each step.

``make test`` takes 50 runs of 50 steps; ``make model`` 2,000, in two processes (MODEL_RUNS).
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.extra.django import TestCase
from hypothesis.stateful import run_state_machine_as_test

from tests.state_machine.machine import ShopBesideItsModel, Stage

RUNS = int(os.environ.get("MODEL_RUNS", "50"))
STEPS = 50
PARTS = 2  # so that two processes can share the runs


@pytest.mark.portable
class ShopBesideItsModelTest(TestCase):
    """Within Django's test transaction, of which each run is rolled back."""

    def setUp(self) -> None:
        ShopBesideItsModel.stage = Stage()

    def run_some(self) -> None:
        run_state_machine_as_test(
            ShopBesideItsModel,
            settings=settings(
                max_examples=RUNS // PARTS,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )

    def test_no_order_of_steps_parts_the_shop_from_its_model(self) -> None:
        self.run_some()

    def test_nor_does_another(self) -> None:
        self.run_some()
