"""Read a large JSON file item by item, in bounded memory."""

import json
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import Any, BinaryIO

CHUNK = 256 * 1024  # bytes
SPACES = " \t\r\n"
AFTER_VALUE = frozenset(SPACES + ",:]}")
MAX_LENGTH = 32 * 1024 * 1024  # characters of one value of the file, or of one item of the list


class MalformedJSONError(ValueError):
    """The file is not JSON of the expected structure, or one of its values is longer than MAX_LENGTH."""


def items(source: BinaryIO, name: str) -> Iterator[Any]:
    """Yield the items of the list `name` of the JSON object in the file; other values are skipped.

    source: a seekable file, which is read from its beginning. Raises MalformedJSONError, also if there is no such list.
    Items before the error have been yielded by then.
    """
    source.seek(0)
    reader = _Reader(source)
    try:
        yield from _items_of_object(reader, name)
    except (UnicodeDecodeError, RecursionError) as error:
        raise MalformedJSONError from error


def _items_of_object(reader: "_Reader", name: str) -> Iterator[Any]:
    reader.take("{")
    is_found = False
    while reader.peek() != "}":
        key = reader.value()
        reader.take(":")
        if key == name and not is_found:
            is_found = True
            yield from _items_of_list(reader)
        else:
            reader.value()
        reader.take_comma_unless("}")
    reader.take("}")
    if reader.peek() or not is_found:
        raise MalformedJSONError


def _items_of_list(reader: "_Reader") -> Iterator[Any]:
    reader.take("[")
    while reader.peek() != "]":
        yield reader.value()
        reader.take_comma_unless("]")
    reader.take("]")


class _Reader:
    """A tokenizer that keeps only the current part of the file in memory."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._decoder = getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._is_complete = False

    def peek(self) -> str:
        """Return the next character that is not white space, without consuming it; '' at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in SPACES:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if self._is_complete:
                return ""
            self._read(CHUNK)

    def take(self, character: str) -> None:
        """Consume this character. Raises MalformedJSONError if another one follows."""
        if self.peek() != character:
            raise MalformedJSONError
        self._at += 1

    def take_comma_unless(self, end: str) -> None:
        """Consume the comma after an item, unless `end` follows: then the item was the last."""
        if self.peek() == end:
            return
        self.take(",")
        if self.peek() == end:
            raise MalformedJSONError

    def value(self) -> Any:
        """Consume and return the next value. Raises MalformedJSONError."""
        self.peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except ValueError as error:
                end = len(self._text)
                if self._is_complete:
                    raise MalformedJSONError from error
            if self._text[end : end + 1] in AFTER_VALUE or self._is_complete:  # a number may continue in the next chunk
                self._at = end
                return value
            if len(self._text) - self._at > MAX_LENGTH:
                raise MalformedJSONError
            self._read(max(CHUNK, len(self._text) - self._at))

    def _read(self, size: int) -> None:
        chunk = self._source.read(size)
        self._is_complete = not chunk
        self._text = self._text[self._at :] + self._decoder.decode(chunk, final=self._is_complete)
        self._at = 0
