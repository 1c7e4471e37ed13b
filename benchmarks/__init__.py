"""What ``dev.py bench`` runs: one file per benchmark, each with a ``run()`` that returns its metrics."""
