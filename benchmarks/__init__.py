"""Commands that time Headwater against Dagster in one interleaved run: `python -m benchmarks` lists and runs them."""
