"""How fast the shop is, beside what the machine and its database can do: ``make bench``."""
