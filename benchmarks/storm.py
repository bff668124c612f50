"""A storm of logins beside customers who look at the catalogue: they must not starve."""

from collections.abc import Generator
from dataclasses import dataclass

from benchmarks.endpoints import Shop
from benchmarks.load import Answer, Script, request, run_together
from benchmarks.shops import Prepared, served

READERS = 8
LOGGING_IN = 32
_REFUSED = frozenset({429, 503})


@dataclass(frozen=True)
class Storm:
    """Seconds of the catalogue's requests without logins and beside them, and what those got."""

    quiet_p50: float
    quiet_p99: float
    p50: float
    p99: float
    reads_per_second: float
    logins_per_second: float
    refused_per_second: float

    @property
    def ratio(self) -> float:
        """How many times longer the slowest hundredth takes."""
        return self.p99 / self.quiet_p99


def weather(shop: Prepared, *, seconds: float) -> Storm:
    """Read the catalogue alone, then beside clients who log in as fast as they can."""
    customers = Shop(shop.facts)
    readers = [customers.listing("newest first")(client) for client in range(READERS)]
    crowd = [_logging_in(shop, client) for client in range(LOGGING_IN)]
    with served(shop, "shop") as servers:
        port = servers["shop"].port
        run_together(port, {"": readers}, seconds=1)
        quiet = run_together(port, {"readers": readers}, seconds=seconds)["readers"]
        crowds = {"readers": readers, "logins": crowd}
        met = run_together(port, crowds, seconds=seconds, tolerated=_REFUSED)
    reads, logins = met["readers"], met["logins"]
    return Storm(
        quiet_p50=quiet.percentile(0.5),
        quiet_p99=quiet.percentile(0.99),
        p50=reads.percentile(0.5),
        p99=reads.percentile(0.99),
        reads_per_second=reads.requests / reads.seconds,
        logins_per_second=(logins.requests - logins.refused) / logins.seconds,
        refused_per_second=logins.refused / logins.seconds,
    )


def _logging_in(shop: Prepared, client: int) -> Script:
    password = shop.facts.customers[client].password
    body = {"username": f"bench-{client}", "password": password}

    def script() -> Generator[bytes, Answer, None]:
        yield request("POST", "/api/accounts/login/", body=body)

    return script
