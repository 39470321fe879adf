SELECT k0, groupArraySorted(3)((-length, trace, span, is_error))
FROM (SELECT CAST(if(ServiceName = '', 'unknown_service', ServiceName), 'Nullable(String)') AS k0, greatest(SpoorDuration, 0) AS length, StatusCode = 'Error' AS is_error, TraceId AS trace, SpanId AS span
FROM `d`.`otel_traces`
WHERE (((SpoorStart >= {p1:UInt64} AND Timestamp >= fromUnixTimestamp64Nano({p2:Int64}) AND SpoorStart <= {p3:UInt64} AND Timestamp <= fromUnixTimestamp64Nano({p4:Int64})) AND (ServiceName = {p5:String} AND (SpoorDuration >= {p6:Int64} AND Duration >= {p7:UInt64}))) AND SpoorDuration >= {p0:Int64})
LIMIT 1 BY cityHash64(TraceId, SpanId, ParentSpanId, SpoorStart, SpoorDuration, SpanName, SpanKind, ServiceName, StatusCode))
GROUP BY k0

p0: "7"
p1: "5"
p2: "5"
p3: "9223372036854775808"
p4: "4294967287410065408"
p5: "shop"
p6: "1500000001"
p7: "1500000001"
