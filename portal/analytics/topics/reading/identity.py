"""Topics that last: which new topic is which old one.

After each training the new topics are matched with the old by the Hungarian method (Kuhn 1955) on the
cosine of their words; a pair below the threshold is no match, so a topic that has become another
gets a new identity and the old one is retired.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

Floats = npt.NDArray[np.float32]

SAME: Final = 0.5


def match(new: Floats, old: Floats) -> dict[int, int]:
    """Return, for each new topic that continues an old one, the old one's place.

    :param new: topics × words.
    :param old: topics × words, over the beginning of the same append-only vocabulary.
    """
    if not len(new) or not len(old):
        return {}
    likeness = _unit(new) @ _unit(widened(old, new.shape[1])).T
    rows, columns = linear_sum_assignment(-likeness)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {row: column for row, column in pairs if likeness[row, column] >= SAME}


def widened(rows: Floats, words: int) -> Floats:
    """Return the rows with zeros for the words that were appended since."""
    missing = words - rows.shape[1]
    return np.pad(rows, ((0, 0), (0, missing))) if missing else rows


def kept_share(before: Mapping[Any, int], after: Mapping[Any, int]) -> float | None:
    """Return the share of posts in both trainings that kept their topic; None without any.

    >>> kept_share({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 3})
    0.5
    """
    both = [post for post in before if post in after]
    if not both:
        return None
    return sum(before[post] == after[post] for post in both) / len(both)


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), dtype=np.float32)
