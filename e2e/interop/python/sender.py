"""Sends the spans of ../README.md with the official SDK of Python."""

import sys

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

protocol, prefix, t0, count, service = sys.argv[1:6]
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

KINDS = [SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER]
STATUSES = [None, Status(StatusCode.OK), Status(StatusCode.ERROR, "failed ünï")]


def remote(trace_id: str, span_id: str, state: list[tuple[str, str]]) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(1), TraceState(state))


resource = Resource({"service.name": service, "host.cores": 8, "resource.text": "zwölf 🧭"})
provider = TracerProvider(resource=resource)
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("interop", "1.2.3", "https://opentelemetry.io/schemas/1.30.0", {"scope.kind": "test"})
link = Link(remote("a" + "0" * 31, "b" + "0" * 15, [("link", "1")]), {"why": "retry"})

parent = None
for i in range(int(count)):
    is_first = i % 10 == 0
    if is_first:
        context = remote(f"{prefix}{i // 10:024d}", "b7ad6b7169203331", [("vendor", "value"), ("other", "1")])
        parent = set_span_in_context(NonRecordingSpan(context))
    start = int(t0) * 1_000_000 + i * 1_000_000 + 123
    span = tracer.start_span(
        f"op-{i} ünï ✓ 日本",
        parent,
        KINDS[i % 5],
        {
            "i": i,
            "big": 9007199254740991,
            "negative": -7,
            "ratio": i + 0.5,
            "ok": i % 2 == 0,
            "text": f"zwölf 🧭 {i}",
            "empty": "",
            "strings": ["a", "ü"],
            "ints": [1, 2, 3],
            "doubles": [0.5, 1.5],
            "bools": [True, False],
        },
        [link],
        start,
    )
    span.add_event("cache.miss", {"key": f"cart:{i}", "size": i}, start + 1_000_000)
    span.add_event("retry ✓", None, start + 2_000_000)
    status = STATUSES[i % 3]
    if status:
        span.set_status(status)
    if is_first:
        parent = set_span_in_context(span)
    span.end(start + 5_000_000 + i)

provider.shutdown()
