"""What the user set, and how it is kept; see schema.py and store.py."""
