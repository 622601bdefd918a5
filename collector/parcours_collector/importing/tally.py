"""What became of the rows of an import, as counts and a few examples; it survives an interruption with the state."""

from pydantic import BaseModel, Field

MAX_EXAMPLES = 10
"""Rows shown with their reason at the end."""
MAX_REASONS = 50
"""Reasons counted apart; reasons come from the map, so more are unlikely."""
_OTHER = "other reasons"


class Example(BaseModel):
    """One row that did not make it."""

    line: int
    code: str
    path: str
    detail: str


class Tally(BaseModel):
    """rows = skipped + accepted + duplicate + all rejected + all unmapped.

    Attributes:
        rows: Read so far.
        skipped: Left out by the map.
        accepted: Kept by the collector.
        duplicate: Had been kept before, as far as the collector remembers.
        rejected: Touchpoints that the collector refused, by code.
        unmapped: Rows that are no touchpoint, by reason.
        letters_refused: Of the unmapped, those that the collector did not keep either.
        examples: The first that did not make it.
    """

    rows: int = 0
    skipped: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: dict[str, int] = Field(default_factory=dict)
    unmapped: dict[str, int] = Field(default_factory=dict)
    letters_refused: int = 0
    examples: list[Example] = Field(default_factory=list)

    @property
    def all_arrived(self) -> bool:
        """Whether every row that was not skipped is a touchpoint now."""
        return not self.rejected and not self.unmapped

    def count_rejected(self, line: int, code: str, path: str, detail: str) -> None:
        """Count a touchpoint that the collector refused."""
        self.rejected[code] = self.rejected.get(code, 0) + 1
        self._show(Example(line=line, code=code, path=path, detail=detail))

    def count_unmapped(self, line: int, code: str, path: str, detail: str) -> None:
        """Count a row that is no touchpoint."""
        reason = f"{path}: {detail}" if path else detail
        if reason not in self.unmapped and len(self.unmapped) >= MAX_REASONS:
            reason = _OTHER
        self.unmapped[reason] = self.unmapped.get(reason, 0) + 1
        self._show(Example(line=line, code=code, path=path, detail=detail))

    def _show(self, example: Example) -> None:
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(example)
