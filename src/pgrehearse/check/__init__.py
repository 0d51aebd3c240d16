"""Transcript to findings to verdict. Pure."""
