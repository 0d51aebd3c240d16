"""The life of a clone: made, proven, listed, dropped."""
