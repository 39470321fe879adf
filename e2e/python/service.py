"""A small Python service with the official OpenTelemetry SDK: one HTTP-like trace with everything that a span can hold.

Usage: service.py http|grpc ENDPOINT none|gzip. Prints the trace id.
"""

import sys

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

protocol, endpoint, compression = sys.argv[1:4]

if protocol == "grpc":
    import grpc
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(
        endpoint=endpoint,
        insecure=True,
        compression=grpc.Compression.Gzip if compression == "gzip" else grpc.Compression.NoCompression,
    )
else:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(
        endpoint=f"{endpoint}/v1/traces",
        compression=Compression.Gzip if compression == "gzip" else Compression.NoCompression,
    )

provider = TracerProvider(resource=Resource.create({"service.name": f"python-{protocol}-{compression}"}))
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("interop", "1.0")

link = Link(SpanContext(0xA << 124, 0xB << 60, is_remote=True, trace_flags=TraceFlags(1)), {"why": "retry"})
with tracer.start_as_current_span("parent", kind=SpanKind.SERVER, links=[link], attributes={"n": 2**53 + 1, "list": ["a", "b"]}) as parent:
    try:
        with tracer.start_as_current_span("child", attributes={"ratio": 0.5, "ok": True, "raw": b"\x00\xff"}) as child:
            child.add_event("cache.miss", {"key": "cart:7"})
            raise ValueError("no such cart")
    except ValueError:
        parent.set_status(Status(StatusCode.ERROR, "child failed"))

provider.shutdown()
print(format(parent.get_span_context().trace_id, "032x"))
