"""What can go wrong at the sandbox, by name. Plain data: the settings read it before any model."""

import enum


class Fault(enum.StrEnum):
    """The name of each fault, as ``SANDBOX_FAULTS`` takes it."""

    DECLINE = "decline"  # a good card is declined
    ACTION = "action"  # the customer has to agree first
    PROCESSING = "processing"  # the answer is "processing", the end comes by webhook
    TIMEOUT = "timeout"  # charged, captured, canceled or refunded, and the answer is lost
    UNREACHED = "unreached"  # nothing was charged, and there is no answer
    DUPLICATE = "duplicate"  # a webhook comes twice
    REORDER = "reorder"  # a webhook comes after those that follow it
    DELAY = "delay"  # a webhook comes 10 seconds late
    DROP = "drop"  # a webhook never comes
    WRONG_AMOUNT = "wrong_amount"
    WRONG_CURRENCY = "wrong_currency"
    WRONG_REFERENCE = "wrong_reference"


# Those that a share of everything may have; the wrong ones are a payment method's alone.
SHARED = tuple(fault.value for fault in Fault if not fault.startswith("wrong_"))
