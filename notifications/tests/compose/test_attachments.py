"""Files of e-mails: their names, types, sizes and storage."""

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

from foodfleet.core.exceptions import ValidationException
from notifications.services.compose.email import EmailExtras, NewAttachment, send_email
from notifications.tests.delivery.dispatching import FakeGateway, dispatch, mail

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("by_worker")]


@pytest.mark.parametrize(
    "content_type",
    [
        "nonsense",
        "a/b/c",
        "image/",
        "/png",
        "ä/ö",
        "multipart/mixed",
        "message/rfc822",
        "Message/Partial",
        "text/plain; x",
    ],
)
def test_invalid_content_type_is_refused(content_type):
    files = [NewAttachment("x", b"x", content_type)]
    with pytest.raises(ValidationException) as refused:
        send_email(to=["ann@example.com"], subject="x", text="x", extras=EmailExtras(attachments=files))
    assert refused.value.details["attachments"][0]["code"] == "invalid_content_type"


@pytest.mark.parametrize(
    ("filename", "content_type"),
    [
        ("a.pdf", "application/pdf"), ("a", "application/octet-stream"), ("a.tar.gz", "application/gzip"),
        ("a.tar.bz2", "application/octet-stream"), ("a.eml", "application/octet-stream"),
    ],
)  # fmt: skip
def test_content_type_is_guessed_from_the_file_name(filename, content_type):
    assert NewAttachment(filename, b"x").guessed_type() == content_type


@pytest.mark.parametrize("files", [["x" * 256], ["漢" * 86], ["x"] * 491])
def test_too_many_or_long_file_names_are_refused(files):
    extras = EmailExtras(attachments=[NewAttachment(name, b"") for name in files])
    with pytest.raises(ValidationException) as refused:
        send_email(to=["ann@example.com"], subject="x", text="x", extras=extras)
    assert list(refused.value.details) == ["attachments"]


def test_a_commit_whose_answer_is_lost_costs_no_file(monkeypatch):
    real, lost = BaseDatabaseWrapper._commit, []

    def commit(self):
        real(self)
        if not lost:
            lost.append(1)
            raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(BaseDatabaseWrapper, "_commit", commit)
        with pytest.raises(OperationalError):
            mail("file", files=1)
    gateway = FakeGateway()
    dispatch(gateway)
    assert [len(email.files) for email in gateway.sent] == [1]
