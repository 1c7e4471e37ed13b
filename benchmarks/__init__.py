"""What ``dev.py bench`` runs: one file per benchmark, each with a ``run()`` that returns its metrics."""

import engine as engine  # before anything imports numpy: it decides about OpenBLAS's threads
