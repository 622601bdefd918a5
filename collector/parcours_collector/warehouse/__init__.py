"""ClickHouse: tables and views as `.sql` files, migrations, stitching, and the embedded engine.

Only this room speaks to ClickHouse through clickhouse-connect. It knows rows and SQL, never requests or
write keys.
"""
