"""Rewrote addresses by IDNA 2003; 0010 does it by IDNA 2008, for these rows too."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0007_labels"),
    ]

    operations: list = []
