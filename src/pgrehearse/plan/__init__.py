"""Statements to steps: what will become of each one. Pure."""
