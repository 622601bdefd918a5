"""Where a question takes several texts, one alone is one of them, not its letters."""

from collections.abc import Sequence


def one_or_more(told: str | Sequence[str]) -> Sequence[str]:
    """Return what was told, a single text as the only one."""
    return (told,) if isinstance(told, str) else told
