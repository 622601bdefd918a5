"""How a value may be written: as it is, in JSON, in JSON inside JSON, and as ClickHouse writes a text inside a map."""

import json
import re
from collections.abc import Iterable

LEAST_SEARCHED_CHARS = 6
"""A shorter value stands in many places that mean nobody: it is looked for as an identifier, not as text."""
_MOST_NESTED = 3
"""A row that ClickHouse refused holds a letter as text, which holds a payload as text."""
_OF_WORDS = r"\w.@+~-"
"""What identifiers are made of: a value with more of it beside it is another value."""


def writings(value: str) -> list[str]:
    """Return every way in which a value may be written, each once, without the quotes around it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    forms = {value: None, escaped: None}
    for is_ascii in (False, True):
        form = value
        for _ in range(_MOST_NESTED):
            form = json.dumps(form, ensure_ascii=is_ascii)[1:-1]
            forms[form] = None
    return list(forms)


def naming_pattern(values: Iterable[str]) -> str:
    """Return a pattern, for ClickHouse and for Python, that finds any of these in a text: in quotes, or as a word.

    Not inside a longer value, whoever's that is.
    """
    forms = {value: [re.escape(form) for form in writings(value)] for value in values}
    quoted = "|".join(form for each in forms.values() for form in each)
    words = "|".join(form for value, each in forms.items() if len(value) >= LEAST_SEARCHED_CHARS for form in each)
    pattern = rf'"(?:{quoted})\\*"'
    if words:
        begins, ends = rf"(?:^|[^{_OF_WORDS}])[.@+~-]*", rf"[.@+~-]*(?:[^{_OF_WORDS}]|$)"
        pattern += rf"|{begins}(?:{words}){ends}"
    return pattern
