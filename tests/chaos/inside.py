"""One series against one database, in a process whose environment is the attacked shop's.

``python -m tests.chaos.inside PLAN``: the plan is JSON, and so is each line of its results.
"""

import json
import sys

import django

django.setup()

from tests.chaos.series import run_plan

if __name__ == "__main__":
    run_plan(json.loads(sys.argv[1]))
