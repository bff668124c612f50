"""The shop as the careless write it; each attack must succeed here, or it proves nothing.

Nothing of this is in the shop: ``tests.chaos.naive.wsgi`` swaps the functions in the attacked
server's own process, and ``loosen`` takes the constraints out of a database made for it.
"""
