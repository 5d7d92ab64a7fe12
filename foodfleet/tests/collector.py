"""What receives traces and error reports in tests: an HTTP server on loopback."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """Keeps what is posted to it: OpenTelemetry's spans and Sentry's events."""

    def __init__(self):
        self._bodies = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                is_packed = self.headers.get("Content-Encoding") == "gzip"
                collector._bodies.append((self.path, gzip.decompress(body) if is_packed else body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        address = f"127.0.0.1:{self._server.server_port}"
        self.variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{address}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",  # milliseconds between two exports
            "SENTRY_DSN": f"http://key@{address}/1",
        }
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    @staticmethod
    def attributes(span):
        """The attributes of a span that are texts."""
        return {attribute.key: attribute.value.string_value for attribute in span.attributes}

    def spans(self):
        """Every span."""
        found = []
        for path, body in list(self._bodies):
            if path == "/v1/traces":
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    found += [span for scope in resource.scope_spans for span in scope.spans]
        return found

    def events(self):
        """Every event of Sentry."""
        bodies = [body for path, body in list(self._bodies) if path.endswith("/envelope/")]
        lines = [json.loads(line) for body in bodies for line in body.splitlines()]
        return [line for line in lines if "level" in line]

    def text(self):
        """All that came, as far as it is text."""
        return b"\n".join(body for _, body in list(self._bodies)).decode(errors="replace")
