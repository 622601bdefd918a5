"""The terminal: what commands say goes to standard output, how work goes on to standard error."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

console = Console(highlight=False)
progress_console = Console(stderr=True, highlight=False)


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
