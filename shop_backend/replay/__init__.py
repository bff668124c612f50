"""Drives the recorded year of a real shop through the API, and compares the books with it.

``invoices`` reads the recording, ``planning`` says what the shop must make of it, ``scheduling``
hands the orders out, ``driving`` speaks to the shop over HTTP, ``progress`` and ``comparing`` read
the shop's books, ``reporting`` writes them down. ``manage.py replay_orders`` runs it.
"""
