"""How evenly something is shared. Pure Python, so that one account's figures need no worker."""

from collections.abc import Sequence


def gini(values: Sequence[float]) -> float | None:
    """Return the Gini coefficient: 0 when all have alike, (n − 1)/n when one has all; None when there is nothing.

    With values in ascending order, G = 2 Σ i·xᵢ / (n Σ xᵢ) − (n + 1)/n. Gini (1912), "Variabilità e mutabilità".
    """
    ordered, whole = sorted(values), sum(values)
    count = len(ordered)
    if not count or whole <= 0:
        return None
    weighted = sum(place * value for place, value in enumerate(ordered, start=1))
    return 2 * weighted / (count * whole) - (count + 1) / count


def lorenz(values: Sequence[float], points: int = 41) -> list[float]:
    """Return what share of all belongs to the poorest 0, 1/(points−1) … of everybody: a curve from 0 to 1."""
    ordered, whole = sorted(values), sum(values) or 1.0
    sums = [0.0]
    for value in ordered:
        sums.append(sums[-1] + value)
    curve = []
    for step in range(points):
        place = step / (points - 1) * len(ordered)
        low = int(place)
        part = (ordered[low] * (place - low)) if low < len(ordered) else 0.0
        curve.append((sums[low] + part) / whole)
    return curve


def top_share(values: Sequence[float], share: float) -> float:
    """Return what part of all the most active ``share`` of people have; at least one person."""
    ordered, whole = sorted(values, reverse=True), sum(values)
    if not whole:
        return 0.0
    return sum(ordered[: max(1, round(len(ordered) * share))]) / whole


def fewest_for(values: Sequence[float], share: float) -> int:
    """Return how few people have ``share`` of all between them."""
    whole, sum_so_far = sum(values), 0.0
    for count, value in enumerate(sorted(values, reverse=True), start=1):
        sum_so_far += value
        if sum_so_far >= share * whole:
            return count
    return 0
