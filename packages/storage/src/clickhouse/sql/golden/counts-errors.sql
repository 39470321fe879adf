SELECT recorded, type, message, service, part, count(), min(start), max(start), groupArraySorted(3)((bitNot(start), trace, span, length, is_error))
FROM (SELECT arrayMap(m -> arrayFilter(p -> has(['exception.type', 'exception.message', 'exception.stacktrace'], p.1), arrayZip(CAST(mapKeys(m), 'Array(String)'), mapValues(m))), arrayFilter(m -> mapContains(m, 'exception.type') OR mapContains(m, 'exception.message'), `Events.Attributes`)) AS recorded, if(notEmpty(recorded) OR NOT mapContains(SpanAttributes, 'error.type'), CAST(NULL, 'Nullable(String)'), CAST(SpanAttributes['error.type'], 'Nullable(String)')) AS type, if(notEmpty(recorded), '', StatusMessage) AS message, if(ServiceName = '', 'unknown_service', ServiceName) AS service, toUInt32(least(intDiv(toUInt64(greatest(SpoorStart, {p0:UInt64}) - {p0:UInt64}), {p1:UInt64}), 59)) AS part, SpoorStart AS start, greatest(SpoorDuration, 0) AS length, StatusCode = 'Error' AS is_error, TraceId AS trace, SpanId AS span
FROM `d`.`otel_traces`
WHERE (((SpoorStart >= {p2:UInt64} AND Timestamp >= fromUnixTimestamp64Nano({p3:Int64}) AND SpoorStart <= {p4:UInt64} AND Timestamp <= fromUnixTimestamp64Nano({p5:Int64})) AND (ServiceName = {p6:String} AND (SpoorDuration >= {p7:Int64} AND Duration >= {p8:UInt64}))) AND (StatusCode = 'Error' OR arrayExists(m -> mapContains(m, 'exception.type') OR mapContains(m, 'exception.message'), `Events.Attributes`)))
LIMIT 1 BY cityHash64(TraceId, SpanId, ParentSpanId, SpoorStart, SpoorDuration, SpanName, SpanKind, ServiceName, StatusCode))
GROUP BY recorded, type, message, service, part

p0: "5"
p1: "1000"
p2: "5"
p3: "5"
p4: "9223372036854775808"
p5: "4294967287410065408"
p6: "shop"
p7: "1500000001"
p8: "1500000001"
