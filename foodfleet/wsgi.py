"""The WSGI application, for `make run` and other servers. `make serve` runs `foodfleet.asgi`."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from foodfleet.core.http.bodies.request_bodies import BufferedBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "foodfleet.settings")
application = BufferedBodies(get_wsgi_application(), most=settings.MOST_BODY_BYTES)
