"""ClickHouse's HTTP interface around chDB: one engine, one data folder, one process.

A shell around the engine, not a database: it authenticates, refuses what could reach the host, and passes bytes
both ways. What it cannot do it refuses with a ClickHouse error. It knows nothing of touchpoints or delivery.
"""
