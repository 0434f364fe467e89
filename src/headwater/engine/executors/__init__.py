"""Executors: they are told which steps to start, and return what happened as events."""
