"""Whoever shows a contribution may ask what it is about: community passes the question on to topics."""

from portal.analytics.topics import facade
from portal.community.registry import reads_topics

reads_topics(facade.labels_of)
