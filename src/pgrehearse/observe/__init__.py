"""Facts around each step; no judgement, no presentation."""
