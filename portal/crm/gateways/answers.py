"""Reading HTTP answers of other people's servers."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from portal.crm.gateways.base import BatchRefused, Paused, RetryLater

LONGEST_REASON = 500
EPOCH = 1e9
"""Some say the moment of the reset, as seconds since 1970, and not the seconds until then."""


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that a server asks us to wait: ``Retry-After`` in seconds or as a date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def rest(response: httpx.Response) -> float:
    """Return the seconds to rest before the next call, by the headers that count calls; 0 when some are left."""
    for prefix in ("RateLimit", "X-RateLimit"):
        left, reset = response.headers.get(f"{prefix}-Remaining", ""), response.headers.get(f"{prefix}-Reset", "")
        if left.strip() == "0" and reset.strip().isdigit():
            seconds = float(reset)
            return seconds if seconds < EPOCH else max(0.0, seconds - datetime.now(UTC).timestamp())
    return 0.0


def check(response: httpx.Response) -> None:
    """Turn a status that is not success into one of the three kinds of failure.

    :raise RetryLater: 408, 425, 429 and 5xx. :raise Paused: 401, 403, 404, 405, 410.
    :raise BatchRefused: any other 3xx or 4xx, such as 400, 413 and 422.
    """
    status = response.status_code
    if response.is_success:
        return
    reason = f"{status} {response.text[:LONGEST_REASON].strip() or response.reason_phrase}"
    if status in {401, 403, 404, 405, 410}:
        raise Paused(reason)
    if status in {408, 425, 429, 502, 503, 504}:
        raise RetryLater(reason, after=retry_after(response))
    if response.is_server_error:
        raise RetryLater(reason, after=retry_after(response), suspect=True)
    raise BatchRefused(reason)
