"""The versioned document that is handed over, and its digests. Pure."""
