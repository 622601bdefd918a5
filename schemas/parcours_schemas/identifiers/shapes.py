"""What an e-mail address and a phone number look like inside a text.

Every pattern is linear in the length of the text: runs are consumed once, and what may be tried again is bounded.
"""

import re

from parcours_schemas.identifiers.naming import PHONE_PARTS

# A percent sign may itself be percent-encoded, any number of times: an address in a URL in a URL.
PERCENT = r"%(?:25)*"
_AT = rf"(?:@|{PERCENT}40)"
_DOT = rf"(?:\.|{PERCENT}2[eE])"
_DOMAIN = rf"(?:(?:[^\W_][\w-]*{_DOT})+[^\W_][\w-]+|\[[0-9A-Fa-f:.IPv]{{2,45}}\])"
# Characters that end the part before the @ in URLs, markup and lists: encoded, then plain.
_ENCODED_DELIMITER = rf"{PERCENT}(?:3[aAbBcCdDeEfF]|2[0236789cCfF]|0[aAdD9]|5[bBdD])"
_LOCAL = (
    rf"(?:[^\s@%=&?/#:;,<>()\[\]\"]++|(?!{_ENCODED_DELIMITER}|{_AT}){PERCENT}[0-9a-fA-F]{{2}}"
    rf"|(?!{_ENCODED_DELIMITER}|{_AT})%)"
)
ENCODED_AT = re.compile(rf"{PERCENT}40")
ADDRESS = re.compile(
    # A single odd character before the @ is an address too. A host without a dot needs three letters: 2@3 is none.
    rf"(?P<email>(?:\"[^\"\r\n]{{1,64}}\"|{_LOCAL}++|{_ENCODED_DELIMITER}|\S)(?:{_AT}{_DOMAIN})+"
    rf"|{_LOCAL}++{_AT}[A-Za-z][\w-]{{2,}})"
    rf"|{_ENCODED_DELIMITER}|{_LOCAL}++"
)

_SPACES = " \u00a0\u202f\u2007\u2009"
_SEPARATOR = rf"(?:[{_SPACES}.()/-]|{PERCENT}(?:20|2[89dDeEfF]))"
NUMBER = re.compile(
    rf"(?:\+{_SEPARATOR}{{0,3}}[1-9](?:{_SEPARATOR}{{0,4}}[0-9]){{6,14}}"
    # A form writes blanks as + and the + itself encoded.
    rf"|{PERCENT}2[bB](?:{_SEPARATOR}|\+){{0,3}}[1-9](?:(?:{_SEPARATOR}|\+){{0,4}}[0-9]){{6,14}})(?![0-9])"
    rf"|(?<![0-9A-Za-z_.+-])(?<![0-9][:,])00{_SEPARATOR}{{0,3}}[1-9](?:{_SEPARATOR}{{0,4}}[0-9]){{8,14}}"
    r"(?![0-9A-Za-z_]|[.-][0-9A-Za-z])"
)
"""A phone number with its international prefix. `is_phone_number` says whether a match is one."""
_PLAIN_NUMBER = re.compile(r"(?:\+|00)[0-9]+")
_DECIMAL = re.compile(r"\+[0-9]{1,3}\.[0-9]{1,7}")
_TRUNK_PREFIX = re.compile(r"\(\s?0\s?\)")
_NOT_DIGITS = re.compile(r"[^0-9]+")

_SHORT_NAMES = ("tel", "cell", "cel", "gsm", "fax", "handy", "portable", "movil", "celular")
_LETTER = r"A-Za-z\u00c0-\u024f"
_PHONE_NAME = (
    rf"(?:{'|'.join(PHONE_PARTS)}|(?:(?<![{_LETTER}])|(?-i:(?<=[a-z])(?=[A-Z])))"
    rf"(?:{'|'.join(_SHORT_NAMES)}|t[éÉ]l(?:[éÉe]phone)?|m[óÓ]vil"
    r"|(?:callback|call|caller|contact|sms|dial)[-_ .]?(?=nu)))"
    r"(?!_sha256)(?:[-_ .]?+[A-Za-z0-9]{1,16}+){0,3}+"
)
_QUOTES = rf"{_SPACES}\t\"'\\"
_ONE_NUMBER = rf"(?:\+|\(|{PERCENT}2[bB8])?[0-9](?:[0-9().\-/{_SPACES}+]|{PERCENT}2[0-9bBdDfF]){{4,40}}[0-9]"
NAMED_NUMBER = re.compile(
    rf"(?P<name>{_PHONE_NAME})[{_QUOTES}\]]{{0,8}}(?:[:=]|{PERCENT}3[aAdD])[{_QUOTES}\[{{(/]{{0,10}}"
    rf"(?:[A-Za-z_]{{1,20}}[\"'\\]{{1,4}} ?:[{_QUOTES}]{{0,6}})?"
    rf"(?P<numbers>{_ONE_NUMBER}(?:[{_QUOTES}]{{0,4}}[,;|][{_QUOTES}]{{0,4}}{_ONE_NUMBER}){{0,20}})"
    rf"|wa\.me(?:/|{PERCENT}2[fF])(?P<linked>{_ONE_NUMBER})",
    # Without ASCII, letters that merely resemble these would match, which the look at the bytes does not know.
    re.IGNORECASE | re.ASCII,
)
"""A number that its name gives away inside a text: a URL's query, JSON that could not be read, a line of a form."""
NAME_STEMS = (*PHONE_PARTS, *_SHORT_NAMES, "tél", "móvil", "nu", "wa.me")
"""In lower case; without any of them in it, a text has no match of NAMED_NUMBER."""
ANY_NUMBER = re.compile(_ONE_NUMBER, re.ASCII)
"""Digits and what may stand between them, where a name has said that they are a phone number."""


def is_phone_number(text: str) -> bool:
    """Whether a match of NUMBER, percent-decoded, is more than a signed amount or a coordinate."""
    if _PLAIN_NUMBER.fullmatch(text):
        return True
    return len(_NOT_DIGITS.sub("", text)) >= 8 and _DECIMAL.fullmatch(text) is None


def international(text: str) -> str | None:
    """The E.164 form of a number with its international prefix, written in any way; None without one."""
    bare = text.strip()
    digits = _NOT_DIGITS.sub("", _TRUNK_PREFIX.sub("", bare))
    if bare.startswith("+"):
        return f"+{digits}"
    return f"+{digits[2:]}" if bare.startswith("00") else None
