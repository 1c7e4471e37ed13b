"""A second Discord-compatible server, read independently from public documentation; used by one journey only."""
