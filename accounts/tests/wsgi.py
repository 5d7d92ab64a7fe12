"""The application as a server calls it."""

import io
import json

from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test.utils import CaptureQueriesContext


class Answer:
    """An answer that was given and not closed yet, as a server holds it while it sends."""

    def __init__(self, path, body):
        sent = json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": path, "SERVER_NAME": "testserver", "SERVER_PORT": "80",
            "REMOTE_ADDR": "127.0.0.1", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(sent)),
            "wsgi.input": io.BytesIO(sent), "wsgi.url_scheme": "http", "wsgi.errors": io.StringIO(),
        }  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            self.response = get_wsgi_application()(environ, self.start)
        self.statements = [query["sql"] for query in queries]
        self.body = b"".join(self.response)

    def start(self, status, headers):
        self.status = int(status.split()[0])

    def close(self):
        self.response.close()
        return self
