"""One caller's part of an attack, in a process of its own: ``python -m tests.security.caller``.

The argument is JSON, and so is the file of results.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import django

django.setup()

from tests.security import firing, fuzzing, pages
from tests.security.shop import Shop


def run(plan: dict[str, Any]) -> Any:
    """Do what the plan says and return the findings."""
    shop = Shop(plan["kind"], seed=plan["seed"])
    until = time.time() + plan["seconds"]
    if plan["attack"] == "fuzz":
        asked = fuzzing.Plan(**plan["fuzz"])
        return fuzzing.fuzz(
            f"http://127.0.0.1:{plan['port']}", shop, seed=plan["seed"], plan=asked, until=until
        )
    address = ("127.0.0.1", plan["port"])
    if plan["attack"] == "lists":
        return firing.look_at_lists(address, shop)
    if plan["attack"] == "admin":
        return pages.fire_at_admin(
            address,
            shop,
            seed=plan["seed"],
            most=plan["most"],
            of_forms=plan["of_forms"],
            until=until,
        )
    amount = firing.Amount(plan["most"], plan["shares"].get(plan["kind"], 1.0))
    return firing.fire(address, shop, seed=plan["seed"], amount=amount, until=until)


if __name__ == "__main__":
    plan = json.loads(sys.argv[1])
    Path(plan["results"]).write_text(json.dumps(vars(run(plan)), default=vars))
