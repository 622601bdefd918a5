"""`python -m parcours_collector.warehouse.embedded`: the same as `parcours clickhouse`."""

import typer

from parcours_collector.commands.clickhouse import clickhouse

if __name__ == "__main__":
    typer.run(clickhouse)
