"""Templates are cached in each process, and never an old version."""

import pytest

from notifications.services.templates import sms_templates
from notifications.tests.templates.test_sms_templates import new

pytestmark = pytest.mark.django_db


@pytest.mark.redis
@pytest.mark.django_db(transaction=True)
def test_change_in_one_process_is_visible_in_another_at_once():
    """A direct write of the cache version simulates another process."""
    import subprocess
    import sys

    from django.conf import settings
    from django.db import connection
    from django.db.transaction import atomic

    new(content="old {{name}}")
    assert sms_templates.render(name="greeting", variables={"name": "x"}).content == "old x"
    with atomic(), connection.execute_wrapper(lambda *a: pytest.fail("the second look-up queried the database")):
        sms_templates.render(name="greeting", variables={"name": "x"})
    script = (
        "import django; django.setup()\n"
        "from notifications.models import SmsTemplate; from notifications.services.templates import sms_templates\n"
        "t = SmsTemplate.objects.get(name='greeting'); t.content = 'new {{name}}'; sms_templates.save(template=t, by=None)"
    )
    database = settings.DATABASES["default"]
    url = f"postgres://{database['USER']}:{database.get('PASSWORD', '')}@{database['HOST']}:{database['PORT']}/{connection.settings_dict['NAME']}"
    environment = {
        "DJANGO_SETTINGS_MODULE": "foodfleet.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "DATABASE_URL": url,
        "REDIS_URL": settings.REDIS_URL,
    }
    subprocess.run([sys.executable, "-c", script], check=True, env=environment, cwd=settings.BASE_DIR)
    assert sms_templates.render(name="greeting", variables={"name": "x"}).content == "new x"


@pytest.mark.redis
@pytest.mark.django_db(transaction=True)
def test_nothing_is_cached_during_a_change():
    from django.db import transaction

    template = new(content="old {{name}}")
    with transaction.atomic():
        template.content = "new {{name}}"
        sms_templates.save(template=template, by=None)
        assert sms_templates.render(name="greeting", variables={"name": "x"}).content == "new x"
        transaction.set_rollback(True)
    assert sms_templates.render(name="greeting", variables={"name": "x"}).content == "old x"
