"""See ARCHITECTURE.md."""

import os

# The mixer's products are too small to be shared out: OpenBLAS's threads take longer to wake than the product takes,
# and would spin on the cores that decode and encrypt. It reads this when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
