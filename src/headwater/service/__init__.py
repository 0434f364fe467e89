"""The service: one process that decides and records, and processes that import user code and only do."""
