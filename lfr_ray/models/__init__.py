"""Cards, weights and runtimes: what a model is, before anything uses it.

Importing this folder also sets how long OpenMP's threads wait for each other before they let go of the
processor; it must be set before torch is loaded. By default GNU's OpenMP spins for milliseconds. With two
threads, two cores and other work on them, each waits for one that cannot run because the other spins, and a
detection that takes 100 ms takes 500 to 2,000. Where the processor is free, nothing is lost.
"""

import os

SPIN_VARIABLE, SPIN_COUNT = "GOMP_SPINCOUNT", "10000"

os.environ.setdefault(SPIN_VARIABLE, SPIN_COUNT)
