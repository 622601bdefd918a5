"""Why sending cannot go on: told to the one who started it. A collector that is only away is none of these."""

from parcours_collector.errors import OperatorError


class CollectorUnreachable(OperatorError):
    """Nobody answers where the collector should be, at the start of a command."""

    tag = "collector_unreachable"
    retryable = True
    remedy = "Start it (`parcours up` or `parcours collector`), or correct PARCOURS_ENDPOINT or --endpoint."


class KeyRefused(OperatorError):
    """The collector does not take the write key."""

    tag = "key_refused"
    remedy = "Set PARCOURS_WRITE_KEY, or name a file with --write-key-file; `parcours keys create` makes a key."


class NotACollector(OperatorError):
    """What answers is no collector, or one that does not know this door."""

    tag = "not_a_collector"
    remedy = "Check PARCOURS_ENDPOINT or --endpoint, and that the collector is of this version."
