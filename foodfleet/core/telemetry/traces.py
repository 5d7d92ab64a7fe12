"""OpenTelemetry: one trace for each request and each task, with its SQL, Redis, Celery and Amazon calls.

Only processes with OTEL_EXPORTER_OTLP_ENDPOINT import this module. OpenTelemetry's packages instrument SQL, Redis,
Celery and boto3. For requests we have our own middleware: OpenTelemetry's for Django calls `get_host()` for every
request, which refuses health checks by IP address.
"""

import threading
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanKind, Status, StatusCode

import foodfleet
from foodfleet.core import logging as our_logging
from foodfleet.core.http import request_ids
from foodfleet.core.receivers import METHODS

REQUEST_ID = "foodfleet.request_id"
# Nothing else is exported: paths and queries contain tokens, the rest may contain addresses or names.
EXPORTED = frozenset({
    REQUEST_ID, "http.request.method", "http.route", "http.response.status_code", "error.type",
    "db.system", "db.system.name", "db.name", "db.namespace", "db.statement", "db.query.text", "db.operation.name",
    "db.redis.args_length", "db.redis.pipeline_length", "db.redis.database_index",
    "rpc.system", "rpc.service", "rpc.method", "cloud.region", "http.status_code", "aws.request_id", "retry_attempts",
    "celery.action", "celery.task_name", "celery.state", "messaging.system", "messaging.message.id",
    "messaging.destination", "messaging.destination.name",
})  # fmt: skip


def start() -> None:
    """Instrument the libraries that this installation uses, and export their spans."""
    resource = Resource.create({SERVICE_VERSION: foodfleet.__version__})
    if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):  # OTEL_SERVICE_NAME is not set
        resource = resource.merge(Resource({SERVICE_NAME: "foodfleet"}))
    provider = TracerProvider(resource=resource)
    provider.sampler = RequestsAndTasks(provider.sampler)
    provider.add_span_processor(Exporting())
    trace.set_tracer_provider(provider)
    for processors in (our_logging.PROCESSORS, our_logging.SHARED_PROCESSORS):
        processors.insert(0, add_trace_id)
    instrument()


def instrument() -> None:
    """Instrument libraries; those that are not used are not imported."""
    if settings.DATABASES["default"]["ENGINE"].endswith("postgres"):
        PsycopgInstrumentor().instrument()
    else:
        SQLite3Instrumentor().instrument()
    if settings.REDIS_URL:
        from opentelemetry.instrumentation.redis import RedisInstrumentor

        RedisInstrumentor().instrument()
    if settings.CELERY_BROKER_URL:
        from opentelemetry.instrumentation.celery import CeleryInstrumentor

        CeleryInstrumentor().instrument()
    urls = (settings.EMAIL_URL, settings.SMS_URL, settings.CELERY_BROKER_URL)
    if any(url.startswith(("amazonses", "sns", "sqs")) for url in urls):
        from opentelemetry.instrumentation.botocore import BotocoreInstrumentor

        BotocoreInstrumentor().instrument(request_hook=keep_request)


def keep_request(span: trace.Span, service: str, operation: str, parameters: dict[str, Any]) -> None:
    """Remove the trace's id from an SMS: its message attributes are options of Amazon SNS."""
    if service == "sns":
        for field in propagate.get_global_textmap().fields:
            parameters.get("MessageAttributes", {}).pop(field, None)


def add_trace_id(logger: Any, method_name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the id of the current trace. A structlog processor."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
    return event


class TraceMiddleware:
    """Makes a span for each request except health checks and scrapes, in the trace that `traceparent` names."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._tracer = trace.get_tracer(__name__)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(our_logging.PROBES):
            return self.get_response(request)
        method = trace_method(request)
        context = propagate.extract({"traceparent": request.headers.get("traceparent", "")})
        with self._tracer.start_as_current_span(method, context, SpanKind.SERVER) as span:
            response = self.get_response(request)
            span.set_attribute(REQUEST_ID, request_ids.request_id_of(request))
            span.set_attribute("http.request.method", method)
            span.set_attribute("http.response.status_code", response.status_code)
            if request.resolver_match:
                span.update_name(f"{method} {request.resolver_match.route}")
                span.set_attribute("http.route", request.resolver_match.route)
            if response.status_code >= 500:
                span.set_status(StatusCode.ERROR)
        return response


def trace_method(request: HttpRequest) -> str:
    """Return the method, `_OTHER` for an unknown one (OpenTelemetry's HTTP conventions)."""
    return request.method if request.method in METHODS else "_OTHER"


class RequestsAndTasks(Sampler):
    """Drops calls outside of requests and tasks, such as SQL of heartbeats. `others` decides about the rest."""

    def __init__(self, others: Sampler) -> None:
        self._others = others

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        *arguments: Any,
        **more: Any,
    ) -> SamplingResult:
        parent = trace.get_current_span(parent_context).get_span_context()
        if kind == SpanKind.CLIENT and not parent.is_valid:
            return SamplingResult(Decision.DROP)
        return self._others.should_sample(parent_context, trace_id, name, kind, *arguments, **more)

    def get_description(self) -> str:
        return f"RequestsAndTasks({self._others.get_description()})"


class Exporting(SpanProcessor):
    """Adds the request's id to spans, and exports them in a thread that starts with the first span.

    It starts late because the server forks its workers, and a fork does not copy threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batches: BatchSpanProcessor | None = None

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if request_id := structlog.contextvars.get_contextvars().get("request_id"):
            span.set_attribute(REQUEST_ID, request_id)

    def on_end(self, span: ReadableSpan) -> None:
        with self._lock:
            if self._batches is None:
                endpoint = f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces"
                self._batches = BatchSpanProcessor(WithoutPersonalData(OTLPSpanExporter(endpoint)))
        self._batches.on_end(span)

    def shutdown(self) -> None:
        if self._batches is not None:
            self._batches.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._batches is None or self._batches.force_flush(timeout_millis)


class WithoutPersonalData(SpanExporter):
    """Exports only the attributes in EXPORTED, and only the type of an exception: messages quote values of rows."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([_without_personal_data(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _without_personal_data(span: ReadableSpan) -> ReadableSpan:
    attributes = {name: value for name, value in (span.attributes or {}).items() if name in EXPORTED}
    for event in span.events:
        if error := (event.attributes or {}).get("exception.type"):
            attributes["error.type"] = error
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
