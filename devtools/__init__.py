"""What ``dev.py`` runs inside the environment it made; never shipped."""
