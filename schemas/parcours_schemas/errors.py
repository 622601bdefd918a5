"""Everything this package raises, in one small tree.

    SchemasError
    ├── InvalidIdentifier      an identifier that cannot be brought to its one form
    ├── InvalidVersion         not MODEL-REVISION-ADDITION
    ├── InvalidPlan            a team's own touchpoint file that cannot be used
    └── MissingExtra           a library of an extra is not installed

A touchpoint that is refused is not an error but a value: `parcours_schemas.validation.Refusal`.
"""

from parcours_schemas.reject import RejectCode


class SchemasError(Exception):
    """Base of what this package raises; the message says what is wrong, where and what to do."""


class InvalidIdentifier(SchemasError, ValueError):
    """An identifier that cannot be normalised. The message never holds the value: it may be a person's.

    Attributes:
        kind: the kind of identifier, e.g. `phone`.
    """

    code = RejectCode.INVALID_IDENTIFIER

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class InvalidVersion(SchemasError, ValueError):
    """A text that is not a schema version."""


class InvalidPlan(SchemasError, ValueError):
    """A file of a tracking plan that cannot be used.

    Attributes:
        filename: the file at fault.
    """

    def __init__(self, filename: str, message: str) -> None:
        super().__init__(f"{filename}: {message}")
        self.filename = filename


class MissingExtra(SchemasError, ImportError):
    """A feature whose library is not installed; the message names the extra that brings it."""
