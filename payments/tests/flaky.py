"""The sandbox over a bad line: a call may be lost, or its answer."""

from typing import Any

from payments.errors import ProviderUnavailable
from payments.providers.sandbox import SandboxProvider

CALLS = ("create_intent", "confirm", "retrieve", "capture", "cancel", "refund")


class FlakyProvider(SandboxProvider):
    """``lose("confirm", "answer")`` loses the answer of the next ``confirm``.

    ``before`` holds functions to run just before a call arrives: what a faster one does.
    """

    def __init__(self) -> None:
        self.losses: list[tuple[str, str]] = []
        self.before: dict[str, Any] = {}
        self.calls: list[str] = []

    def lose(self, call: str, what: str) -> None:
        self.losses.append((call, what))

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in CALLS:
            return found

        def call(**kwargs: Any) -> Any:
            self.calls.append(name)
            if faster := self.before.pop(name, None):
                faster()
            if (name, "request") in self.losses:
                self.losses.remove((name, "request"))
                raise ProviderUnavailable
            answer = found(**kwargs)
            if (name, "answer") in self.losses:
                self.losses.remove((name, "answer"))
                raise ProviderUnavailable
            return answer

        return call
