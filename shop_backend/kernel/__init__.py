"""What every app stands on, and what knows none of them. By subject:

- Answers: ``faces`` (two of them), ``renderers``, ``jsontext``, ``moments``, ``fields``; ``errors``
  (how the shop says no), ``exceptions``, ``problems``, ``fallbacks`` (from there to a body).
- Requests: ``views`` (what each shares), ``access`` (who may), ``requests``, ``parsers``,
  ``converters`` (path parts), ``filters``, ``pagination``, ``middleware``, ``headers``.
- Whoever asks: ``callers`` (an account that may end meanwhile).
- Once only: ``idempotency``, ``inserting`` (what may be there already).
- Limits: ``throttling`` (how often one may ask), ``budgets`` (counting), ``breaker`` (a neighbour
  that is down), ``shared`` and ``redis_store`` (what processes count together).
- Transactions: ``transactions``, ``triggers`` (tables that only grow), ``models``, ``sweeping``
  (what is due).
- SQL written out: ``statements``, ``selects``, ``prepared`` (planned once), ``trusting`` (no ping
  before a read), ``replicas`` (reads elsewhere).
- Answers kept: ``remembered_answers``; before Django: ``quick_answers``, ``quick_refusals``.
- Up the floors: ``events`` (news), ``ports`` (questions).
- Out of the process: ``outbox``, ``letters`` and ``mail``, ``object_storage``, ``sheets``.
- What was done: ``audit``, with its seams ``audit_api`` and ``audit_admin``; ``logs``.
- Money: ``money``.
- The admin site: ``admin``, ``admin_choices``, ``admin_columns``, ``forms``, ``formsets``.
- Swagger: ``inspectors``. Django's entry: ``apps``.
"""
