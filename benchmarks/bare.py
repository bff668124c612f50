"""``python -m benchmarks.bare FACTS FLOW CLIENTS UNTIL VARIANT...``: statements without HTTP.

A bare script: so many clients in threads, each with a connection of its own, send the statements
of a flow over and over for one of the variants, until so many seconds have gone or nothing is
left. Starts when a line comes in; prints how many flows it has done in how many seconds.
"""

import json
import random
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from benchmarks import facts
from benchmarks.environment import connect
from benchmarks.statements import PreparedStep, Unlike, prepared, replay


def main(path: str, flow: str, first: str, clients: str, until: str, *variants: str) -> None:
    """Run the clients from that number on and print ``{"flows", "seconds"}``."""
    known = facts.load(path)
    chosen_from = [int(variant) for variant in variants] or list(known.variants)
    connections = [connect(known.environment) for _ in range(int(clients))]
    steps = [prepared(step, connections[0]) for step in known.flows[flow]]
    done: list[float] = []
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    threads = []
    for number, connection in enumerate(connections, start=int(first)):
        customer = known.customers[number]
        inputs = {"user_id": customer.user_id, "session_id": customer.session_id}
        arguments = (connection, steps, inputs, chosen_from, started + float(until), done)
        threads.append(threading.Thread(target=_buy, args=arguments))
        threads[-1].start()
    for thread in threads:
        thread.join()
    last = max(done, default=time.perf_counter())
    print(json.dumps({"flows": len(done), "seconds": last - started}), flush=True)


def _buy(
    connection: Any,
    steps: Sequence[PreparedStep],
    customer: dict[str, Any],
    variants: Sequence[int],
    until: float,
    done: list[float],
) -> None:
    while time.perf_counter() < until:
        inputs = {**customer, "variant_0": random.choice(variants)}
        try:
            for step in steps:
                inputs |= replay(connection, step, inputs)
        except Unlike:  # sold out
            return
        done.append(time.perf_counter())


if __name__ == "__main__":
    main(*sys.argv[1:])
