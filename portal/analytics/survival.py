"""How long things take, when some have not happened yet. Needs numpy and scipy: for workers and commands only.

Kaplan & Meier (1958), "Nonparametric estimation from incomplete observations": what is open is censored, not dropped.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import CensoredData, ecdf

CONFIDENCE = 0.90


@dataclass(frozen=True, slots=True)
class Course:
    """The share that has happened by each time, with its band; ``times`` and shares belong together."""

    times: tuple[float, ...]
    shares: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n: int
    happened: int

    def by(self, time: float) -> tuple[float, float, float]:
        """Return the share that has happened by a time, and its band."""
        place = int(np.searchsorted(self.times, time, side="right")) - 1
        return (self.shares[place], self.low[place], self.high[place]) if place >= 0 else (0.0, 0.0, 0.0)

    def quantile(self, share: float) -> float | None:
        """Return by when this share has happened; None when it never came so far."""
        return next((time for time, reached in zip(self.times, self.shares, strict=True) if reached >= share), None)


def course(waits: Sequence[float], happened: Sequence[bool], confidence: float = CONFIDENCE) -> Course:
    """Return the Kaplan-Meier estimate, with the log-log band of Greenwood's variance.

    :param waits: how long it took or, where it has not ``happened``, how long it has been waited so far.
    """
    done = [wait for wait, yes in zip(waits, happened, strict=True) if yes]
    if not done:
        return Course((), (), (), (), len(waits), 0)
    waiting = [wait for wait, yes in zip(waits, happened, strict=True) if not yes]
    found = ecdf(CensoredData(uncensored=done, right=waiting)).cdf
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # undefined at 0 and 1, which is met below
        band: Any = found.confidence_interval(confidence, method="log-log")
    shares = np.asarray(found.probabilities)
    low = np.nan_to_num(np.asarray(band.low.probabilities), nan=0.0)
    high = np.asarray(band.high.probabilities)
    high = np.where(np.isnan(high), shares, high)
    keep = np.concatenate(([True], np.diff(shares) > 0)) & (shares > 0)
    times = np.asarray(found.quantiles)
    return Course(
        _plain(times[keep]), _plain(shares[keep]), _plain(low[keep]), _plain(high[keep]), len(waits), len(done)
    )


def _plain(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
