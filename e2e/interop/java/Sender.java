import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.time.Instant;
import java.util.concurrent.TimeUnit;

/** Sends the spans of ../README.md with the official SDK of Java. Its builders do not read the environment by themselves. */
public class Sender {
  static SpanContext remote(String traceId, String spanId, TraceState state) {
    return SpanContext.createFromRemoteParent(traceId, spanId, TraceFlags.getSampled(), state);
  }

  static SpanExporter exporter(String protocol) {
    String endpoint = System.getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
    String compression = System.getenv().getOrDefault("OTEL_EXPORTER_OTLP_COMPRESSION", "none");
    if (protocol.equals("grpc")) {
      return OtlpGrpcSpanExporter.builder().setEndpoint(endpoint).setCompression(compression).build();
    }
    return OtlpHttpSpanExporter.builder().setEndpoint(endpoint + "/v1/traces").setCompression(compression).build();
  }

  public static void main(String[] args) {
    String prefix = args[1];
    long t0 = Long.parseLong(args[2]);
    int count = Integer.parseInt(args[3]);
    Resource resource =
        Resource.create(
            Attributes.builder()
                .put("service.name", args[4])
                .put("host.cores", 8)
                .put("resource.text", "zwölf 🧭")
                .build());
    SdkTracerProvider provider =
        SdkTracerProvider.builder()
            .setResource(resource)
            .addSpanProcessor(BatchSpanProcessor.builder(exporter(args[0])).build())
            .build();
    var tracer =
        provider
            .tracerBuilder("interop")
            .setInstrumentationVersion("1.2.3")
            .setSchemaUrl("https://opentelemetry.io/schemas/1.30.0")
            .build();
    SpanContext linked =
        remote("a" + "0".repeat(31), "b" + "0".repeat(15), TraceState.builder().put("link", "1").build());
    SpanKind[] kinds = {SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER};
    // The builder puts what comes last first.
    TraceState state = TraceState.builder().put("other", "1").put("vendor", "value").build();

    Context parent = Context.root();
    for (int i = 0; i < count; i++) {
      if (i % 10 == 0) {
        String traceId = prefix + String.format("%024d", i / 10);
        parent = Context.root().with(Span.wrap(remote(traceId, "b7ad6b7169203331", state)));
      }
      Instant start = Instant.ofEpochMilli(t0).plusNanos(i * 1_000_000L + 123);
      Span span =
          tracer
              .spanBuilder("op-" + i + " ünï ✓ 日本")
              .setParent(parent)
              .setSpanKind(kinds[i % 5])
              .setStartTimestamp(start)
              .setAttribute("i", i)
              .setAttribute("big", 9007199254740991L)
              .setAttribute("negative", -7)
              .setAttribute("ratio", i + 0.5)
              .setAttribute("ok", i % 2 == 0)
              .setAttribute("text", "zwölf 🧭 " + i)
              .setAttribute("empty", "")
              .setAttribute(AttributeKey.stringArrayKey("strings"), java.util.List.of("a", "ü"))
              .setAttribute(AttributeKey.longArrayKey("ints"), java.util.List.of(1L, 2L, 3L))
              .setAttribute(AttributeKey.doubleArrayKey("doubles"), java.util.List.of(0.5, 1.5))
              .setAttribute(AttributeKey.booleanArrayKey("bools"), java.util.List.of(true, false))
              .addLink(linked, Attributes.builder().put("why", "retry").build())
              .startSpan();
      Attributes about = Attributes.builder().put("key", "cart:" + i).put("size", i).build();
      span.addEvent("cache.miss", about, start.plusNanos(1_000_000));
      span.addEvent("retry ✓", start.plusNanos(2_000_000));
      if (i % 3 == 1) span.setStatus(StatusCode.OK);
      if (i % 3 == 2) span.setStatus(StatusCode.ERROR, "failed ünï");
      if (i % 10 == 0) parent = Context.root().with(span);
      span.end(start.plusNanos(5_000_000 + i));
    }
    provider.shutdown().join(20, TimeUnit.SECONDS);
  }
}
