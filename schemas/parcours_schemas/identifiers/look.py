"""A look at the bytes of a request: whether anything in it can be a clear e-mail address or phone number at all.

It spares most requests the walk over their values. What it asks for is a superset of what `redaction` finds.
"""

import re

# Words that are searched at the speed of memory.
_WORDS = (
    *(b"mail", b"courriel", b"phone", b"mobile", b"msisdn", b"telefon", b"whatsapp", b"wa.me"),
    *(b"portable", b"handy", b"movil", b"celular"),
)
_SHORT_WORDS = (b"tel", b"cel", b"gsm", b"fax")
_LONG_WORDS = frozenset(_WORDS)
_SHORT_WORD = re.compile(
    rb"(?:(?<![A-Za-z])(?:tel|cell?|cellulare|gsm|fax)|Tel|Cell?|Cellulare|Gsm|Fax|(?<![A-Z])(?:TEL|CELL?|GSM|FAX))"
    rb"(?:[sS]?(?![a-z])|ulare)|CELLULARE"
)
# A word says something of a number only where it stands in a name: before the colon of a property, or before a `:` or
# `=` inside a text. `"medium":"email"` and the `Mobile` in a browser's name are followed by neither.
_NAMING_WORDS = tuple(word for word in (*_WORDS, *_SHORT_WORDS) if word != b"wa.me")
_ends_a_name = re.compile(
    rb"[^\"]{0,250}\"[ \t\r\n]*:|[-_ .a-z0-9]{0,60}[ \t\"'\]\x80-\xff]{0,24}(?:[:=]|%3[ad])"
).match
_CALLS = (b"call", b"contact", b"sms", b"dial")
_PERCENT = re.compile(rb"%(?:25|40|2[bB])")
_ENTITY = re.compile(rb"&(?:amp;)*(?:#|commat|plus)")
_SEPARATORS = rb"(?:[ .()/\\\x80-\xff-]|%[0-9a-fA-F]{2}){0,16}"
_PLUS = re.compile(rb"\+" + _SEPARATORS + rb"[1-9](?:" + _SEPARATORS + rb"[0-9]){6}")
# Its first bytes are plain, so that they are found at the speed of memory.
_DOUBLE_ZERO = re.compile(rb"00(?<![0-9]00)" + _SEPARATORS + rb"[1-9](?:" + _SEPARATORS + rb"[0-9]){8}")
# UTF-8 of `disguises`: full-width %, +, digits, @ and letters; small @ and +; Arabic digits; what is not seen; and
# accents in the names of phones.
_ODD = re.compile(
    rb"\xef(?:\xbc[\x85\x8b\x90-\x99\xa0-\xba]|\xbd[\x81-\x9a]|\xb9[\xa2\xab]|\xbb\xbf)|\xd9[\xa0-\xa9]|\xdb[\xb0-\xb9]"
    rb"|\xe2(?:\x80[\x8b-\x8f\xaa-\xae]|\x81[\xa0-\xa4])|\xc2\xad|\xcc\x81|[tT]\xc3[\xa9\x89][lL]|[mM]\xc3[\xb3\x93]"
)


def may_hold_clear_identifiers(raw: bytes) -> bool:
    """Whether `redact_clear_identifiers` could find anything in this JSON text. A few scans, no parsing.

    False is certain; True may be a false alarm.
    """
    # Single bytes are found at the speed of memory, and most texts hold few of these.
    if b"@" in raw or b"\\u" in raw:
        return True
    low = raw.lower()
    return (
        _may_name_a_number(raw, low)
        or (b"%" in raw and _PERCENT.search(raw) is not None)
        or (b"&" in raw and _ENTITY.search(low) is not None)
        or (b"+" in raw and _PLUS.search(raw) is not None)
        or _DOUBLE_ZERO.search(raw) is not None
        or (b"num" in low and any(word in low for word in _CALLS))
        or (not raw.isascii() and _ODD.search(raw) is not None)
    )


def _may_name_a_number(raw: bytes, low: bytes) -> bool:
    words = [word for word in _NAMING_WORDS if word in low]
    if b"wa.me" in low:
        return True
    if not words:
        return False
    # Behind an escaped quote a name goes on, and an escaped line break makes a table with names in its head.
    if b"\\" not in raw and not any(_stands_in_a_name(word, low) for word in words):
        return False
    return not _LONG_WORDS.isdisjoint(words) or _SHORT_WORD.search(raw) is not None


def _stands_in_a_name(word: bytes, low: bytes) -> bool:
    # Found word by word: a pattern of all of them would be tried at every byte.
    at = low.find(word)
    while at >= 0:
        if _ends_a_name(low, at + len(word)):
            return True
        at = low.find(word, at + 1)
    return False
