"""What the name of a property promises: an e-mail address, a phone number, or neither.

A name is read as words, whether written in snake_case, camelCase, with digits or without accents: `phone_2`,
`telephone_fixe`, `homeTel` and `callbackNumber` mean a phone number; `mobile_app_version` does not.
"""

import re
from functools import lru_cache

from parcours_schemas.identifiers.disguises import undisguised

_SPELLINGS = str.maketrans({"é": "e", "É": "E", "ó": "o", "Ó": "O", "\u0301": None})
_WORDS = re.compile(r"[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+")
_LONGEST_NAME_CHARS = 200

_EMAIL_NAME = re.compile(r"(?:e[-_ .]?mails?|courriels?)(?:[-_ .]?addr(?:ess(?:es)?)?)?[-_ .]?[0-9]*")
_PHONE_WORDS = """
phone mobile msisdn tel telephone telefono telefon telefone gsm cell cel cellulare celular fax whatsapp portable handy
handynummer movil
"""
# Compared, as the following, with a word without its last s: `sms` is sm, `os` is o.
PHONE_WORDS = frozenset(_PHONE_WORDS.split())
"""Words that mean a phone number by themselves, wherever in a name they stand."""
PHONE_PARTS = ("phone", "mobile", "msisdn", "telefon", "whatsapp")
"""They mean one inside a longer word too, as in `homephone`."""
_THINGS = "headphone earphone microphone megaphone saxophone iphone automobile immobile"
_OTHER_THINGS = frozenset(_THINGS.split())
_CALLS = frozenset({"callback", "call", "caller", "contact", "sm", "dial"})
_NUMBERS = frozenset({"number", "num", "numero", "nummer"})
# The last word of the name of what is said about a phone, and is no number of one.
_MEASURE_WORDS = """
at on date time timestamp version model brand type count price amount revenue total duration second width height
currency
"""
_MEASURES = frozenset({*_MEASURE_WORDS.split(), "m", "o"})


@lru_cache(maxsize=4096)  # the names of properties are few and come again and again
def kind_named(name: str) -> str | None:
    """`email`, `phone` or None: what stands under a property of this name."""
    name = undisguised(name[:_LONGEST_NAME_CHARS]).translate(_SPELLINGS)
    if _EMAIL_NAME.fullmatch(name.lower()):
        return "email"
    words = [word.lower().removesuffix("s") for word in _WORDS.findall(name)]
    if not words or (words[-1] in _MEASURES and len(words) > 1):
        return None
    if "whatsapp" in name.lower() or any(word in PHONE_WORDS or _holds_phone_part(word) for word in words):
        return "phone"
    return "phone" if not (_CALLS.isdisjoint(words) or _NUMBERS.isdisjoint(words)) else None


def _holds_phone_part(word: str) -> bool:
    return word not in _OTHER_THINGS and any(part in word for part in PHONE_PARTS)
