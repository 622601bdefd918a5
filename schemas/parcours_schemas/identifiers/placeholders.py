"""Values that stand where an identifier is missing. They are kept on the event and never join two people."""

_EDGES = " \t\r\n\f\v\u00a0\u200b\ufeff'\"`"
_SINGLE_WORDS = """
null undefined anonymous guest none nil unknown n/a na true false -1 (null) <null> (none) [object] {} [] default
id email not_authenticated unauthenticated not_set distinct_id distinctid user_id userid anonymous_id anonymousid
"""
_WORDS = frozenset(_SINGLE_WORDS.split()) | {"[object object]", "(not set)", "not set", "not available"}
# 'nan' in lower case is somebody's name; 'NaN' is what a program prints for a missing number.
_EXACT = frozenset({"NaN"})
_MAX_UUID = "ffffffff-ffff-ffff-ffff-ffffffffffff"


def is_placeholder(value: str) -> bool:
    """Whether a value identifies nobody.

    Blank, `null`, `undefined`, `anonymous`, `guest`, `true`, `[object Object]` and their like in any case and in
    quotes, the nil and the all-ones UUID, and anything made of zeros and dashes only.
    """
    bare = value.strip(_EDGES)
    if not bare.strip("0-"):
        return True
    if len(bare) > 17:
        return bare.lower() == _MAX_UUID
    return bare in _EXACT or bare.lower() in _WORDS
