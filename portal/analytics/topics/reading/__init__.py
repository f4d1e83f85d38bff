"""The pipeline: texts in, topics and mixtures out; no database, no web.

Imported by worker processes and commands only. What only a training needs brings gensim with it and imports it where
it is used, so that a worker that merely reads new posts stays small.
"""

import logging
import os

# Threads of BLAS on matrices as small as ours mostly wait for each other, at the price of a core: measured, half of the
# CPU seconds of a training. This holds where numpy is imported here first, as in a command or a worker's child.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# It warns that one pass may be too few, which is so for topics that begin at random; ours begin from clusters.
logging.getLogger("gensim").setLevel(logging.ERROR)
