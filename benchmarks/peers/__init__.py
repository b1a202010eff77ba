"""Other tools doing the work of `benchmarks.work`: one small file each, run in that tool's own environment."""
