"""From the write-ahead log to ClickHouse: every acknowledged row is stored, once."""
