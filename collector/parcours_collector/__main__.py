"""The command `parcours`. It starts without the collector's libraries, so that it can say which extra is missing."""

import sys


def main() -> None:
    """Run the command line; a bare install is told what to install."""
    try:
        from parcours_collector.commands.root import run
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.split(".")[0] in {"parcours", "parcours_schemas", "parcours_collector"}:
            raise
        sys.stderr.write(
            f"parcours: the command line needs '{missing.name}', which is not installed.\n"
            "Install the collector with `pip install 'parcours[server]'`, "
            "or `pip install 'parcours[embedded]'` to have ClickHouse too.\n"
        )
        sys.exit(2)
    run()


if __name__ == "__main__":
    main()
