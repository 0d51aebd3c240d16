"""The transaction that can only roll back, and the transcript of what happened in it."""
