"""The WSGI application that `make serve` runs."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from foodfleet.core.request_bodies import MeasuredBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "foodfleet.settings")
application = MeasuredBodies(get_wsgi_application(), most=settings.MOST_BODY_BYTES)
