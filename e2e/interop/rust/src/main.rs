//! Sends the spans of ../README.md with the official SDK of Rust.
use std::env;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    Event, Link, Span, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
    TracerProvider,
};
use opentelemetry::{Array, Context, InstrumentationScope, KeyValue, Value};
use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig};
use opentelemetry_otlp::{SpanExporter, WithTonicConfig};
use opentelemetry_sdk::trace::SdkTracerProvider;
use opentelemetry_sdk::Resource;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = env::args().collect();
    let (protocol, prefix, service) = (&args[1], &args[2], &args[5]);
    let t0 = SystemTime::UNIX_EPOCH + Duration::from_millis(args[3].parse()?);
    let count: u64 = args[4].parse()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let _entered = runtime.enter();

    let exporter = if protocol == "grpc" {
        let builder = SpanExporter::builder().with_tonic();
        match env::var("OTEL_EXPORTER_OTLP_CERTIFICATE") {
            Ok(file) => {
                let ca = Certificate::from_pem(std::fs::read(file)?);
                builder.with_tls_config(ClientTlsConfig::new().ca_certificate(ca)).build()?
            }
            Err(_) => builder.build()?,
        }
    } else {
        SpanExporter::builder().with_http().build()?
    };
    let resource = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", service.clone()),
            KeyValue::new("host.cores", 8),
            KeyValue::new("resource.text", "zwölf 🧭"),
        ])
        .build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let scope = InstrumentationScope::builder("interop")
        .with_version("1.2.3")
        .with_schema_url("https://opentelemetry.io/schemas/1.30.0")
        .with_attributes([KeyValue::new("scope.kind", "test")])
        .build();
    let tracer = provider.tracer_with_scope(scope);

    let mut parent = Context::new();
    for i in 0..count {
        if i % 10 == 0 {
            let trace_id = TraceId::from_hex(&format!("{prefix}{:0>24}", i / 10))?;
            let span_id = SpanId::from_hex("b7ad6b7169203331")?;
            let state = TraceState::from_str("vendor=value,other=1")?;
            let remote = SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, true, state);
            parent = Context::new().with_remote_span_context(remote);
        }
        let start = t0 + Duration::from_nanos(i * 1_000_000 + 123);
        let linked = SpanContext::new(
            TraceId::from_hex("a0000000000000000000000000000000")?,
            SpanId::from_hex("b000000000000000")?,
            TraceFlags::SAMPLED,
            true,
            TraceState::from_str("link=1")?,
        );
        let mut span = tracer
            .span_builder(format!("op-{i} ünï ✓ 日本"))
            .with_kind(match i % 5 {
                0 => SpanKind::Internal,
                1 => SpanKind::Server,
                2 => SpanKind::Client,
                3 => SpanKind::Producer,
                _ => SpanKind::Consumer,
            })
            .with_start_time(start)
            .with_attributes([
                KeyValue::new("i", i as i64),
                KeyValue::new("big", 9_007_199_254_740_991i64),
                KeyValue::new("negative", -7),
                KeyValue::new("ratio", i as f64 + 0.5),
                KeyValue::new("ok", i % 2 == 0),
                KeyValue::new("text", format!("zwölf 🧭 {i}")),
                KeyValue::new("empty", ""),
                KeyValue::new("strings", Value::Array(Array::String(vec!["a".into(), "ü".into()]))),
                KeyValue::new("ints", Value::Array(Array::I64(vec![1, 2, 3]))),
                KeyValue::new("doubles", Value::Array(Array::F64(vec![0.5, 1.5]))),
                KeyValue::new("bools", Value::Array(Array::Bool(vec![true, false]))),
            ])
            .with_events(vec![
                Event::new(
                    "cache.miss",
                    start + Duration::from_millis(1),
                    vec![KeyValue::new("key", format!("cart:{i}")), KeyValue::new("size", i as i64)],
                    0,
                ),
                Event::new("retry ✓", start + Duration::from_millis(2), vec![], 0),
            ])
            .with_links(vec![Link::new(linked, vec![KeyValue::new("why", "retry")], 0)])
            .start_with_context(&tracer, &parent);
        match i % 3 {
            1 => span.set_status(Status::Ok),
            2 => span.set_status(Status::error("failed ünï")),
            _ => {}
        }
        if i % 10 == 0 {
            parent = Context::new().with_remote_span_context(span.span_context().clone());
        }
        span.end_with_timestamp(start + Duration::from_nanos(5_000_000 + i));
    }
    provider.shutdown()?;
    Ok(())
}
