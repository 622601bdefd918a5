"""What the SDK raises, and nothing else.

    ParcoursError
    ├── InvalidOptions       a tracker cannot be made with these settings; raised by its constructor only
    └── InvalidTouchpoint    a touchpoint was refused; raised only with strict=True

Messages say what, where and what to do. They never hold a value of a touchpoint.
"""


class ParcoursError(Exception):
    """The root of what the SDK raises: `message` says what and where, `remedy` what to do."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


class InvalidOptions(ParcoursError, ValueError):
    """A setting is missing or cannot be used. Raised when a tracker is made, never later."""


class InvalidTouchpoint(ParcoursError, ValueError):
    """A touchpoint was refused at the call, and the tracker was made with `strict=True`.

    Attributes:
        name: Name of the touchpoint.
        code: What is wrong, in the vocabulary of the collector's refusals.
        path: Where, as a JSON pointer into the touchpoint on the wire, such as `/properties/price`.
        remedy: What to do.
    """

    def __init__(self, name: str, *, code: str, path: str, detail: str) -> None:
        super().__init__(f"{name}: {code} at {path or '/'}.", remedy=detail)
        self.name = name
        self.code = code
        self.path = path
