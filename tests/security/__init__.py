"""The attack suite on the doors and the input of a running shop.

``python -m tests.security short`` is a part of ``make test``; ``long`` is ``make security``.
"""
