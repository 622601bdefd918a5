"""One form for each kind of identifier, so that the same address typed twice is the same identifier."""

import re

from parcours_schemas.errors import InvalidIdentifier

MAX_EMAIL_CHARS = 254
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")


def normalise(kind: str, value: str, *, region: str | None = None) -> str:
    """Bring an identifier to its one form. Idempotent.

    Args:
        kind: any kind. `email`: trimmed and lower-cased, no more: dots and `+tags` distinguish people at most
            providers, and joining two people is worse than missing that two addresses are one. `phone`: E.164.
            `email_sha256`, `phone_sha256`: lower-case hexadecimal. Others: as they are.
        value: the identifier, not a placeholder.
        region: ISO 3166 country whose national phone numbers are understood, e.g. `FR`; needs the `phone` extra.

    Raises:
        InvalidIdentifier: the value cannot be what its kind says; the message holds no part of it.
    """
    match kind:
        case "email":
            return _email(value)
        case "phone":
            return _phone(value, region)
        case "email_sha256" | "phone_sha256":
            bare = value.strip().lower()
            if _SHA256.fullmatch(bare) is None:
                raise InvalidIdentifier(
                    kind, f"{kind} takes 64 hexadecimal digits; send a clear value as {kind.removesuffix('_sha256')}"
                )
            return bare
        case _:
            return value


def _email(value: str) -> str:
    bare = value.strip().lower()
    if len(bare) > MAX_EMAIL_CHARS or _EMAIL.fullmatch(bare) is None:
        raise InvalidIdentifier(
            "email", "this is not an e-mail address: one @, something on both sides, no blank, up to 254 characters"
        )
    return bare


def _phone(value: str, region: str | None) -> str:
    bare = value.strip()
    # Taken as it is, library or not: an SDK without the extra and a collector with it must find the same hash.
    if _E164.fullmatch(bare):
        return bare
    try:
        import phonenumbers
    except ImportError:
        raise InvalidIdentifier(
            "phone",
            "only E.164 is taken without the phone library, e.g. +33612345678: send it so, or install parcours[phone]",
        ) from None
    try:
        number = phonenumbers.parse(bare, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is not None and phonenumbers.is_possible_number(number):
        e164: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if _E164.fullmatch(e164):
            return e164
    hint = (
        f"neither international nor a number of {region}"
        if region
        else "without an international prefix a default region must be set"
    )
    raise InvalidIdentifier("phone", f"this is not a phone number ({hint}): send E.164, e.g. +33612345678")
