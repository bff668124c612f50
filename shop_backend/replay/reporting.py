"""Writes a run down: a page of Markdown that says what was compared, and every difference."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shop_backend.replay.comparing import Books
from shop_backend.replay.invoices import Invoice, amount_of
from shop_backend.replay.planning import PENCE, Plan
from shop_backend.replay.replaying import Effort

MOST_SHOWN = 100


@dataclass(frozen=True)
class Circumstances:
    """How the run was made: the words that started it, when, the shop, and what it took."""

    command: str
    finished_on: str
    setting: str
    limits: str
    effort: Effort


@dataclass(frozen=True)
class Verdict:
    """What the checks found: sentences about differences, and ``code: rows`` of invariants."""

    differences: Sequence[str]
    broken_invariants: Sequence[str]
    invariants_checked: int

    @property
    def is_clean(self) -> bool:
        """Whether everything is explained and nothing broken."""
        return not self.differences and not self.broken_invariants


def write_report(
    *,
    invoices: Sequence[Invoice],
    plan: Plan,
    books: Books,
    verdict: Verdict,
    circumstances: Circumstances,
) -> str:
    """Return the page."""
    sections = [
        _head(circumstances),
        _money(invoices, plan, books),
        _invoices(invoices, plan, books),
        _left_out(invoices, plan),
        _verdict(verdict),
        _effort(circumstances.effort),
    ]
    return "\n\n".join(sections) + "\n"


def _head(circumstances: Circumstances) -> str:
    return f"""# A recorded year, replayed

Written by `manage.py replay_orders`; changes by hand are lost.

- Command: `{circumstances.command}`
- Finished on {circumstances.finished_on}; {circumstances.setting}; {circumstances.limits}
- Recording: Daqing Chen, "Online Retail", UCI Machine Learning Repository, 2015,
  DOI 10.24432/C5BW33 (CC BY 4.0).

Each invoice became an account's order through the API over HTTP: register, log in, set the
invoice's price of each SKU (staff), cart or items with `expected_total`, pay by the sandbox's card,
pack, ship, deliver. Each credit note that an earlier purchase of its customer covers became a
return (asked, approved, received, restocked) and a refund of its own, as much money as the file
says. The goods were received beforehand by stock adjustments. Delivery is free of charge and the
prices include tax, so an order's total is its goods and totals are compared, not subtotals.
Invoices without a customer belong to one walk-in account; addresses are made up but for the
country. Sales are not in the file's order: next is always the one that needs the fewest changes of
price; a return follows its purchase."""


def _money(invoices: Sequence[Invoice], plan: Plan, books: Books) -> str:
    accepted = _pounds(sum(order.total_minor for order in plan.orders))
    given_back = _pounds(sum(wanted.refund_minor for wanted in plan.returns))
    left_out = sum((one.amount for one in plan.left_out), Decimal(0))
    of_file = amount_of(invoices)
    captured, refunded = _pounds(books.captured_minor), _pounds(books.refunded_minor)
    unexplained = of_file - left_out - (captured - refunded)
    sold = plan.demand.total()
    back = sum(sum(wanted.units.values()) for wanted in plan.returns)
    units_of_file = sum(line.quantity for invoice in invoices for line in invoice.lines)
    units_left_out = sum(one.units for one in plan.left_out)
    return "## Money and units\n\n" + _table(
        ("", "GBP", "units"),
        [
            ("the file: quantity times price of every line", of_file, units_of_file),
            ("left out, by the reasons below", left_out, units_left_out),
            ("expected sales", accepted, sold),
            ("expected refunds and returns", given_back, back),
            ("**captured and shipped in the shop**", captured, books.units),
            ("**refunded and restocked in the shop**", refunded, books.units_returned),
            (
                "unexplained: file - left out - (captured - refunded)",
                unexplained,
                units_of_file - units_left_out - (books.units - books.units_returned),
            ),
        ],
    )


def _invoices(invoices: Sequence[Invoice], plan: Plan, books: Books) -> str:
    accepted = _accepted(plan)
    in_part = {one.invoice for one in plan.left_out} & accepted
    rows = [
        ("in the file", len(invoices)),
        ("taken wholly", len(accepted - in_part)),
        ("taken in part: some lines are left out", len(in_part)),
        ("left out wholly", len(invoices) - len(accepted)),
        ("orders expected (a SKU at a second price takes a second order)", len(plan.orders)),
        ("orders in the shop", len(books.orders)),
        ("returns expected (one for each order that a credit note touches)", len(plan.returns)),
        ("returns restocked in the shop", len(books.returned)),
    ]
    return "## Invoices\n\n" + _table(("", "number"), rows)


def _left_out(invoices: Sequence[Invoice], plan: Plan) -> str:
    lines: Counter[str] = Counter()
    units: Counter[str] = Counter()
    amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
    touched: defaultdict[str, set[str]] = defaultdict(set)
    for one in plan.left_out:
        lines[one.reason] += 1
        units[one.reason] += one.units
        amounts[one.reason] += one.amount
        touched[one.reason].add(one.invoice)
    accepted = _accepted(plan)
    rows = [
        (
            reason,
            lines[reason],
            len(touched[reason]),
            len(touched[reason] - accepted),
            units[reason],
            amounts[reason],
        )
        for reason in sorted(lines)
    ]
    total = (lines.total(), "", "", units.total(), sum(amounts.values(), Decimal(0)))
    head = ("reason", "lines", "invoices", "of them left out wholly", "units", "GBP")
    table = _table(head, [*rows, ("**together**", *total)])
    return (
        "## What was left out, and why\n\n"
        "Negative figures are returns, write-offs and corrections. A line whose units are taken in"
        f" part counts here with the rest.\n\n{table}"
    )


def _verdict(verdict: Verdict) -> str:
    text = (
        "## What was found\n\nCompared one by one: every order's customer, status, total, captured"
        " and refunded money; every line's shipped units and price; every return's units; every"
        " refund; every SKU's stock (received - shipped + restocked = on hand, nothing reserved).\n"
    )
    text += f"\n- Unexplained differences: {len(verdict.differences)}"
    text += _list(verdict.differences)
    text += (
        f"\n- Invariants broken: {len(verdict.broken_invariants)}"
        f" of {verdict.invariants_checked} queries"
    )
    return text + _list(verdict.broken_invariants)


def _effort(effort: Effort) -> str:
    each_second = effort.requests / max(effort.seconds, 0.001)
    return (
        "## What it took\n\n"
        f"Incidental, on a shared machine: the last run did {effort.done:,} orders and returns"
        f" (runs before it {effort.before:,}) with {effort.price_changes:,} changes of price, in"
        f" {effort.requests:,} requests and {effort.seconds:,.0f} s: {each_second:,.0f} requests a"
        " second."
        f" Calls made again: {_counted(effort.repeats)}."
    )


def _counted(repeats: dict[str, int]) -> str:
    told = [f"{count:,} for {reason}" for reason, count in sorted(repeats.items())]
    return ", ".join(told) or "none"


def _accepted(plan: Plan) -> set[str]:
    taken = {order.name.partition("/")[0] for order in plan.orders}
    return taken | {wanted.credit_note for wanted in plan.returns}


def _list(sentences: Sequence[str]) -> str:
    shown = [f"\n  - {sentence}" for sentence in sentences[:MOST_SHOWN]]
    if len(sentences) > MOST_SHOWN:
        shown.append(f"\n  - and {len(sentences) - MOST_SHOWN} more")
    return "".join(shown)


def _pounds(minor: int) -> Decimal:
    return Decimal(minor) / PENCE


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    lines += [[_cell(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:,.2f}" if value == value.quantize(Decimal("0.01")) else f"{value:,f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
