"""Run in the `manage.py shell` of a release: writes the data that the test of upgrades looks for.

It uses addresses of the API and models that every release has, and then writes one row into each table that is still
empty. It prints what only the owner of an account knows, and how many rows each table has, as one line of JSON.
"""

import json
import re
from datetime import timedelta
from uuid import uuid4

import pyotp
from django.apps import apps
from django.core import mail
from django.db import connection, models, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from notifications.models import SmsTemplate, Suppression
from rbac.models import Role, RoleAssignment

PASSWORD = "Grill-Fleet-2026!"
client = Client()


def post(path, access=None, **body):
    """Call the API; return its response."""
    headers = {"Authorization": f"Bearer {access}"} if access else {}
    answer = client.post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)
    assert answer.status_code < 300, (path, answer.content)
    return answer.json() if answer.content else None


post("auth/register/", email="ann@example.com", password=PASSWORD)
token = re.search(r"email/verify/([\w-]+)/", str(mail.outbox[-1].body))[1]
post("auth/email/verify/", token=token)
access = post("auth/login/", email="ann@example.com", password=PASSWORD, device_name="Till")["access"]
secret = post("auth/2fa/setup/", access, password=PASSWORD)["secret"]
codes = post("auth/2fa/verify/", access, code=pyotp.TOTP(secret).now())["backup_codes"]

ann = User.objects.get(email="ann@example.com")
User.objects.create_user("bob@xn--mller-kva.example", PASSWORD, first_name="Bob")
RoleAssignment.objects.create(user=ann, role=Role.objects.get(name="Support"))
RoleAssignment.objects.create(user=ann, role=Role.objects.get(name="Fleet manager"), scope="fleet:12")
Suppression.objects.create(channel="email", address="gone@example.com", reason="manual")
SmsTemplate.objects.filter(name="2fa_code").update(content="Own text: {{code}}", version=2)

User.objects.create_superuser("carol@example.com", PASSWORD)
access = post("auth/login/", email="carol@example.com", password=PASSWORD)["access"]
later = (timezone.now() + timedelta(days=300)).isoformat()
post("notifications/email/", access, to=["dan@example.com"], subject="Later", text="A waiting text", send_at=later)


def value_of(field):
    """Return some value of a column. A second reference to the same table gets another row than the first."""
    if field.choices:
        return field.choices[0][0]
    if field.related_model:
        referring = [each for each in field.model._meta.concrete_fields if each.related_model is field.related_model]
        return field.related_model._base_manager.order_by("pk")[referring.index(field)]
    values = {"DateTimeField": timezone.now(), "UUIDField": uuid4(), "BinaryField": b"x", "FloatField": 1.0}
    is_number = "Integer" in field.get_internal_type() or field.get_internal_type() == "BooleanField"
    return values.get(field.get_internal_type(), 1 if is_number else "text")  # base64, as some columns are


def fill_empty_tables():
    """Write a row into each table that has none."""
    for model in apps.get_models():
        if not model._meta.managed or model._base_manager.exists():
            continue
        required = [
            field
            for field in model._meta.concrete_fields
            if not (field.has_default() or field.null or field.blank or isinstance(field, models.AutoField))
        ]
        with transaction.atomic():
            model._base_manager.bulk_create([model(**{field.name: value_of(field) for field in required})])


fill_empty_tables()
with connection.cursor() as cursor:
    rows = {}
    for table in connection.introspection.table_names(cursor):
        cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
        rows[table] = cursor.fetchone()[0]
print(json.dumps({"totp_secret": secret, "backup_code": codes[0], "rows": rows}))
