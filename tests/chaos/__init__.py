"""Attacks on a running production server: races, repeats, lost answers, crashes, forged news.

``python -m tests.chaos`` is its door; ``docs/reliability.md`` says what each attack does.
"""
