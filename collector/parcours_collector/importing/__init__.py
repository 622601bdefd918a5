"""From a file of rows to touchpoints in a collector: read, map, send; resumable, and repeatable without doubling."""
