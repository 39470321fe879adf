// Sends the spans of ../README.md with the official SDK of Go.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func remote(traceID, spanID, state string) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    must(trace.TraceIDFromHex(traceID)),
		SpanID:     must(trace.SpanIDFromHex(spanID)),
		TraceFlags: trace.FlagsSampled,
		TraceState: must(trace.ParseTraceState(state)),
		Remote:     true,
	})
}

func main() {
	protocol, prefix, service := os.Args[1], os.Args[2], os.Args[5]
	t0 := time.UnixMilli(must(strconv.ParseInt(os.Args[3], 10, 64)))
	count := must(strconv.Atoi(os.Args[4]))
	ctx := context.Background()

	client := otlptracehttp.NewClient()
	if protocol == "grpc" {
		client = otlptracegrpc.NewClient()
	}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(must(otlptrace.New(ctx, client))),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", service),
			attribute.Int("host.cores", 8),
			attribute.String("resource.text", "zwölf 🧭"),
		)),
	)
	tracer := provider.Tracer("interop",
		trace.WithInstrumentationVersion("1.2.3"),
		trace.WithSchemaURL("https://opentelemetry.io/schemas/1.30.0"),
		trace.WithInstrumentationAttributes(attribute.String("scope.kind", "test")),
	)

	parent := ctx
	for i := range count {
		if i%10 == 0 {
			traceID := prefix + fmt.Sprintf("%024d", i/10)
			parent = trace.ContextWithRemoteSpanContext(ctx, remote(traceID, "b7ad6b7169203331", "vendor=value,other=1"))
		}
		start := t0.Add(time.Duration(i)*time.Millisecond + 123)
		spanCtx, span := tracer.Start(parent, fmt.Sprintf("op-%d ünï ✓ 日本", i),
			trace.WithTimestamp(start),
			trace.WithSpanKind(trace.SpanKind(1+i%5)),
			trace.WithLinks(trace.Link{
				SpanContext: remote("a0000000000000000000000000000000", "b000000000000000", "link=1"),
				Attributes:  []attribute.KeyValue{attribute.String("why", "retry")},
			}),
			trace.WithAttributes(
				attribute.Int("i", i),
				attribute.Int64("big", 9007199254740991),
				attribute.Int("negative", -7),
				attribute.Float64("ratio", float64(i)+0.5),
				attribute.Bool("ok", i%2 == 0),
				attribute.String("text", fmt.Sprintf("zwölf 🧭 %d", i)),
				attribute.String("empty", ""),
				attribute.StringSlice("strings", []string{"a", "ü"}),
				attribute.IntSlice("ints", []int{1, 2, 3}),
				attribute.Float64Slice("doubles", []float64{0.5, 1.5}),
				attribute.BoolSlice("bools", []bool{true, false}),
			),
		)
		span.AddEvent("cache.miss", trace.WithTimestamp(start.Add(time.Millisecond)),
			trace.WithAttributes(attribute.String("key", fmt.Sprintf("cart:%d", i)), attribute.Int("size", i)))
		span.AddEvent("retry ✓", trace.WithTimestamp(start.Add(2*time.Millisecond)))
		switch i % 3 {
		case 1:
			span.SetStatus(codes.Ok, "")
		case 2:
			span.SetStatus(codes.Error, "failed ünï")
		}
		if i%10 == 0 {
			parent = spanCtx
		}
		span.End(trace.WithTimestamp(start.Add(5*time.Millisecond + time.Duration(i))))
	}
	if err := provider.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
}
