"""The processes that stand beside ours: servers, a source of load, and one that emits with an SDK."""
