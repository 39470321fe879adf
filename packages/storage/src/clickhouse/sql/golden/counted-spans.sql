SELECT TraceId, SpoorResource, SpoorScope, SpoorSpan
FROM `d`.`otel_traces`
WHERE ServiceName = {p0:String}
ORDER BY TraceId, SpoorBatch, SpoorRow

p0: "shop"
