"""The kinds of identifier that everyone knows. Any other snake_case kind is accepted and taken as it is."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class IdentifierKind(StrEnum):
    """Known kinds. What the value is, and who makes it."""

    ANONYMOUS_ID = "anonymous_id"
    """Made by a browser or an app before it knows who the person is."""
    USER_ID = "user_id"
    """The account."""
    EMAIL = "email"
    """In clear: only ever in memory."""
    PHONE = "phone"
    """In clear: only ever in memory."""
    EMAIL_SHA256 = "email_sha256"
    """HMAC-SHA256 of the normalised address under the project's key, in hexadecimal."""
    PHONE_SHA256 = "phone_sha256"
    """HMAC-SHA256 of the E.164 number under the project's key, in hexadecimal."""
    LOYALTY_CARD = "loyalty_card"
    CRM_CONTACT = "crm_contact"
    DEVICE_ID = "device_id"
    SESSION_ID = "session_id"


HASHED_KINDS: Mapping[str, str] = MappingProxyType(
    {
        IdentifierKind.EMAIL.value: IdentifierKind.EMAIL_SHA256.value,
        IdentifierKind.PHONE.value: IdentifierKind.PHONE_SHA256.value,
    }
)
"""Kinds that are hashed before anything is written, and the kind they become."""
