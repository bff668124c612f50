"""What a shop worker sees first: the way through the admin, and how the shop stands today."""
