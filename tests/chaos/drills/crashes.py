"""kill -9, in the middle of checkouts: the server's workers, and the database."""

import json
import random
import threading
import time

from django.db import connection

from tests.chaos.attack import Drill, Round
from tests.chaos.customers import Crowd, Purchase
from tests.chaos.drills.lost_answers import judge_purchases

CUSTOMERS = 8
KILL_WISH, KILLS_MADE = "kill-the-database", "kills-made"  # files shared with tests.chaos.plans
LATEST = 2.0**40  # JSON knows no infinity


class _Crash(Drill):
    """Customers buy while something dies; what stayed open is finished afterwards."""

    def run(self) -> Round:
        variant = self.shop.variant(stock=1_000_000)
        buyers = self.shop.buyers(CUSTOMERS)
        for buyer in buyers:
            _ = buyer.token
        crowd = Crowd(self.address, CUSTOMERS)
        connection.close()
        self.start()
        begun = crowd.keep_buying(lambda: Purchase(random.choice(buyers), variant), self.is_over)
        self.server.wait_until_ready()
        acknowledged = [purchase for purchase in begun if purchase.number]
        self.shop.let_leases_run_out()
        crowd.finish(begun, seconds=300)
        self.shop.sweep()
        made = Round(crowd.answers)
        made.answers[f"purchases ({len(acknowledged)} acknowledged in the storm)"] = len(begun)
        made.violations += judge_purchases(begun)
        return made

    def start(self) -> None:
        """Begin with the dying."""
        raise NotImplementedError

    def is_over(self) -> bool:
        """Return whether all have died who should."""
        raise NotImplementedError


class WorkerKills(_Crash):
    name = "kill -9 of workers"
    sentence = "a random worker killed every 0.5 to 2 s under load: nothing acknowledged is lost"
    unit = "seconds"
    weight = 12  # five minutes, whatever the machine

    def start(self) -> None:
        self.killed = 0
        self._thread = threading.Thread(target=self._kill, daemon=True)
        self._thread.start()

    def _kill(self) -> None:
        started = time.time()
        while time.time() < min(started + self.size, self.until):
            time.sleep(random.uniform(0.5, 2))
            pids = self.server.worker_pids()
            if pids:
                self.server.kill_worker(random.choice(pids))
                self.killed += 1
        self.done = round(time.time() - started)

    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def run(self) -> Round:
        made = super().run()
        made.answers["workers killed"] = self.killed
        return made


class DatabaseKills(_Crash):
    """Asks the process that owns the PostgreSQL to kill it, by a file; it takes the file away."""

    name = "kill -9 of PostgreSQL"
    unit = "times"
    weight = 5
    counts_deadlocks = False  # a killed server forgets how many there were
    sentence = "all its processes killed and started again under load: nothing acknowledged is lost"

    def start(self) -> None:
        self._wish = self.server.folder / KILL_WISH
        # Written aside first: who looks for it must not see half of it.
        half = self._wish.with_suffix(".half")
        half.write_text(json.dumps({"times": self.size, "until": min(self.until, LATEST)}))
        half.rename(self._wish)

    def is_over(self) -> bool:
        return not self._wish.exists()

    def run(self) -> Round:
        made = super().run()
        self.done = int((self.server.folder / KILLS_MADE).read_text())
        made.answers["PostgreSQL killed"] = self.done
        return made
