"""A statement read word by word, with one word of foresight.

Takes tokens; gives them on request.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgrehearse.plan.words import Word


class Phrase:
    """The words of a statement that are still to be read."""

    def __init__(self, words: Iterator[Word]) -> None:
        self._words = words
        self._ahead: list[Word] = []

    def peek(self) -> Word | None:
        """The next word, which stays; None at the end."""
        if not self._ahead and (word := next(self._words, None)):
            self._ahead.append(word)
        return self._ahead[0] if self._ahead else None

    def next(self) -> Word | None:
        """The next word; None at the end."""
        word = self.peek()
        self._ahead.clear()
        return word

    def accept(self, *values: str) -> bool:
        """Pass over the next word if it is one of these keywords."""
        word = self.peek()
        if word is None or not word.is_word(*values):
            return False
        self.next()
        return True

    def skip_to(self, *values: str) -> Word | None:
        """Pass over words up to one of these keywords outside parentheses, and that too; None where there is none."""
        depth = 0
        while (word := self.next()) is not None:
            depth += (word.value == "(") - (word.value == ")")
            if not depth and word.is_word(*values):
                return word
        return None

    def options_after(self, keyword: str) -> dict[str, str]:
        """The options in parentheses after `keyword`, in lower case; an option without a value is `true`."""
        return self.options_here() if self.skip_to(keyword) else {}

    def options_here(self) -> dict[str, str]:
        """The options in parentheses that come next; none where no parenthesis does."""
        word = self.peek()
        if word is None or word.value != "(":
            return {}
        options: dict[str, str] = {}
        name = ""
        self.next()
        while (word := self.next()) is not None and word.value != ")":
            if word.value == ",":
                name = ""
            elif not name:
                name = word.value.lower()
                options[name] = "true"
            elif word.value != "=":
                options[name] = word.value.lower()
        return options
