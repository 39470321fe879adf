may: NOT (SpanName = {p0:String})
must: NOT (SpanName = {p0:String})

p0: "o'r; DROP TABLE otel_traces"
