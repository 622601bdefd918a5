"""Accept touchpoints over HTTP: limits, write key, one outcome an event, the log on disk, and only then the answer."""
