"""Run in the `manage.py shell` of a release: writes the data that the test of upgrades looks for.

It uses addresses of the API and models that every release has. It prints what only the owner of an account knows, as one
line of JSON.
"""

import json
import re

import pyotp
from django.core import mail
from django.test import Client

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
print(json.dumps({"totp_secret": secret, "backup_code": codes[0]}))
