r"""Other ways to write the characters that addresses and numbers are made of.

JSON's escapes in text that was never decoded (`\u0040`), HTML's entities (`&#64;`), full-width and other forms of
digits, letters, `@` and `+`, and marks that are not seen. Percent-encoding belongs to the patterns of `shapes`.
"""

import re

_AMPERSAND = r"&(?:amp;)*+"
_ESCAPE = re.compile(
    r"\\++(?:u005[cC])*+u(?P<escaped>[0-9a-fA-F]{4})"
    rf"|{_AMPERSAND}#0*+(?P<decimal>[0-9]{{2,6}});?"
    rf"|{_AMPERSAND}#[xX]0*+(?P<hexadecimal>[0-9a-fA-F]{{2,5}});?"
    rf"|{_AMPERSAND}(?P<named>commat|plus|period|nbsp|quot|colon|equals|lpar|rpar|hyphen|sol);"
)
_NAMED = {"commat": "@", "plus": "+", "period": ".", "nbsp": " ", "quot": '"', "colon": ":", "equals": "="} | {
    "lpar": "(",
    "rpar": ")",
    "hyphen": "-",
    "sol": "/",
}
_UNSEEN = (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF, 0xAD)
_PLAIN: dict[int, str | None] = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    **{0x0660 + digit: str(digit) for digit in range(10)},
    **{0x06F0 + digit: str(digit) for digit in range(10)},
    **dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-"),
    **dict.fromkeys((0x2007, 0x2009, 0x202F, 0x3000), " "),
    0xFE6B: "@",
    0xFE62: "+",
    **dict.fromkeys(_UNSEEN),
}
_ODD = re.compile("[" + "".join(map(chr, _PLAIN)) + "]")
_KEPT_LETTERS = "éÉóÓ\u00a0"


def undisguised(text: str) -> str:
    """The text with those characters written plainly. What is written in no such way stays as it is. Linear."""
    if "\\u" in text or "&" in text:
        text = _ESCAPE.sub(_character, text)
    if not text.isascii() and _ODD.search(text):
        text = text.translate(_PLAIN)
    return text


def _character(match: re.Match[str]) -> str:
    if match["named"]:
        return _NAMED[match["named"]]
    code = int(match["decimal"]) if match["decimal"] else int(match["escaped"] or match["hexadecimal"], 16)
    # Others may be halves of a character, or control characters, and are a part of no address.
    plain = 0x20 <= code < 0x7F or code in _PLAIN or (code < 0xFFFF and chr(code) in _KEPT_LETTERS)
    return chr(code) if plain else match[0]
