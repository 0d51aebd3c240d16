"""Renderings of evidence: terminal, markdown, html, junit, sarif. Pure."""
