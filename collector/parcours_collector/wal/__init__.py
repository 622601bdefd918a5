"""The write-ahead log: what was acknowledged, on disk, in order.

It promises that what `append` answered is on the disk before the answer, and is read back in that order after any
crash. It knows bytes and line counts only: no HTTP, no JSON, no ClickHouse.
"""
