"""One file a built-in check: it ends in its data."""
