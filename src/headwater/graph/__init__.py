"""Specs joined by edges: order, lineage, validation and the selection language."""
