"""The terminal: what commands say goes to standard output, how work goes on to standard error.

Text is shown as it is: brackets and colons in what was recorded are never read as rich's markup.
"""

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_FILE_WIDTH = 130

console = Console(highlight=False, markup=False, emoji=False)
if not console.is_terminal:
    # A file or a pipe has no width: tables get room instead of the 80 columns of a guess.
    console = Console(highlight=False, markup=False, emoji=False, width=_FILE_WIDTH)
progress_console = Console(stderr=True, highlight=False, markup=False, emoji=False)


def progress_bar() -> Progress:
    """Return a progress bar for work that is counted; on something that is not a terminal it stays silent."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=progress_console,
        disable=not progress_console.is_terminal,
    )


def byte_progress_bar() -> Progress:
    """Return a progress bar for a file that is read; on something that is not a terminal it stays silent."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=progress_console,
        disable=not progress_console.is_terminal,
    )
