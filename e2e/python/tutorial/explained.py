"""Tracing as the tutorial explains it: the provider before anything is instrumented, and HTTP to a collector by its name."""

from fastapi import FastAPI
from opentelemetry import trace

# Both exporters, each by a name of its own.
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter  # noqa: F401
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

# 1. Who it is.
resource = Resource(attributes={SERVICE_NAME: "explained", "service.version": "1.0"})
# 2. Who makes tracers.
provider = TracerProvider(resource=resource)
# 3. Where spans go, by which protocol.
exporter = HttpSpanExporter(endpoint="http://otel-collector:4318/v1/traces")
# 4. How they are gathered.
provider.add_span_processor(BatchSpanProcessor(exporter))
# 5. For the whole process.
trace.set_tracer_provider(provider)
# 6. What is called, and what calls.
AioHttpClientInstrumentor().instrument()
app = FastAPI()
FastAPIInstrumentor.instrument_app(app, exclude_spans=["send", "receive"])
# 7. For spans by hand.
tracer = trace.get_tracer(__name__)
