"""The shop on several machines, as processes of one: two app servers, PgBouncer, a primary, a
streaming replica and, where there is one, Redis.

``python -m tests.scale`` is its door; ``docs/scaling.md`` says what it shows.
"""
