"""What must never stand in evidence: passwords, and bytes that are no text.

Takes any text that a server, a driver or a user wrote; gives the same with secrets as `***`. Applied to every
string of a document: a dblink call that fails prints its conninfo in the context of the error, and nobody
would look there.
"""

from __future__ import annotations

import re

# Rather too much than too little: what follows the keyword goes up to the next blank or quote, quoted values
# whole, also those whose quotes are doubled because the conninfo stands in an SQL literal.
_KEYWORD = re.compile(
    r"""\b((?:pg|ssl)?password|oauth_client_secret) (\s*=\s*)
        (?: ''[^']*'' | '(?:[^'\\]|\\.)*' | (?:\\.|[^\s'\\])+ )""",
    re.IGNORECASE | re.VERBOSE,
)
_URI = re.compile(r"\b([a-z][a-z0-9+.-]*://[^\s:/@?#]*):[^\s'\"]*@", re.IGNORECASE)
_SUSPECT = re.compile("passw|secret|://", re.IGNORECASE)
"""What each of the others holds: most texts have none of it, and are told by one look."""
_CLAUSE = re.compile(r"\b(password\s+)E?'(?:[^'\\]|\\.|'')*'", re.IGNORECASE)


def redacted(text: str) -> str:
    """Return `text` without the passwords of conninfo strings, URIs and `PASSWORD '…'` clauses.

    What cannot be encoded (lone surrogates of a file name) is written as an escape.
    """
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode()
    if not _SUSPECT.search(text):
        return text
    text = _KEYWORD.sub(r"\1\2***", text)
    text = _URI.sub(r"\1:***@", text)
    return _CLAUSE.sub(r"\1'***'", text)


def redacted_all(value: object) -> object:
    """Return a JSON value with every string redacted; the names of its objects stay."""
    match value:
        case str():
            return redacted(value)
        case dict():
            return {key: redacted_all(member) for key, member in value.items()}
        case list() | tuple():
            return [redacted_all(member) for member in value]
        case _:
            return value
