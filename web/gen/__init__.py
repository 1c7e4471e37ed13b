"""Writes what the panel's page must know of our messages; see ARCHITECTURE.md."""
