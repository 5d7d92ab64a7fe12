"""Large JSON files are read item by item."""

import io
import json
import tracemalloc

import pytest

from accounts.services.staff import json_stream
from accounts.services.staff.json_stream import MalformedJSONError, items

pytestmark = pytest.mark.once


def read(text, name="users"):
    return list(items(io.BytesIO(text if isinstance(text, bytes) else text.encode()), name))


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64, 100_000])
def test_the_items_are_the_same_however_little_is_read_at_once(monkeypatch, chunk):
    monkeypatch.setattr(json_stream, "CHUNK", chunk)
    users = [{"name": "Zoë ☕ 🚚", "n": 12345}, {"list": [1, [2]], "text": '\\"]}'}, 17, "x", None, True, 1.5e3, []]
    realm = {"first": 123, "users": users, "after": {"users": [1]}, "last": 1234567}
    for text in (json.dumps(realm), json.dumps(realm, ensure_ascii=False, indent=3)):
        assert read(text) == users
        assert read(b"\xef\xbb\xbf" + text.encode()) == users


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "{}", '{"users": {}}', '{"users": [1, 2', '{"users": [1 2]}', '{"users": [1,]}', '{"users": [1]',
        '{"users": [1]} x', '{"users": [1]}{}', '{"a": 1,}', '{"others": []}', '{users: []}', '{"users": [nope]}',
        b'{"users": ["\xff"]}', '{"users": [' + "[" * 100_000, '{"users": ["' + "x" * 200,
    ],
)  # fmt: skip
def test_a_file_of_another_form_is_refused(monkeypatch, text):
    monkeypatch.setattr(json_stream, "MAX_LENGTH", 100)
    with pytest.raises(MalformedJSONError):
        read(text)


def test_memory_does_not_grow_with_the_file():
    user = {"email": "x" * 500, "credentials": [{"secretData": "y" * 500}]}
    text = json.dumps({"users": [user] * 20_000}).encode()
    source = io.BytesIO(text)
    tracemalloc.start()
    assert sum(1 for _ in items(source, "users")) == 20_000
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3_000_000 < len(text)
