"""The frame of the REST API: declaring endpoints, checking what comes in, describing what goes out, once-only posts."""

from portal.api.endpoints import Id, Input, Listing, Output, Paged, Reply, endpoint

__all__ = ["Id", "Input", "Listing", "Output", "Paged", "Reply", "endpoint"]
