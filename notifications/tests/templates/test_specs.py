"""The declared e-mails are those that have files."""

import re

import pytest
from django.conf import settings
from django.template.loader import get_template

from notifications.services.templates import specs
from notifications.states import Channel

pytestmark = [pytest.mark.django_db, pytest.mark.once]


FOLDER = settings.BASE_DIR / "templates" / "notifications" / "email"
FRAMES = {"layout", "override"}
OWN = [spec for spec in specs.SPECS if spec.channel == Channel.EMAIL]


def test_template_files_and_specs_match():
    files = {path.name.split(".")[0] for path in FOLDER.glob("*.*")} - FRAMES
    assert files == {declared.name for declared in OWN}
    for name in files:
        for ending in ("html", "txt", "subject.txt"):
            get_template(f"notifications/email/{name}.{ending}")


@pytest.mark.parametrize("declared", OWN, ids=lambda declared: declared.name)
def test_product_email_uses_only_declared_variables(declared):
    written = (FOLDER / f"{declared.name}.html").read_text() + (FOLDER / f"{declared.name}.txt").read_text()
    named = set(
        re.findall(r"\{# context: ([^#]*) #\}", written)[0].replace("(optional)", "").replace(" ", "").split(",")
    )
    assert named <= declared.names | {"first_name"}
    assert set(re.findall(r"\{\{ ([a-z_]+) ?[|}]", written)) <= declared.names | {"site_name"}
    assert set(re.findall(r"url=([a-z_]+)", written)) <= declared.required
