SELECT part, reinterpretAsUInt64(toFloat64(length)) - bitAnd(reinterpretAsUInt64(toFloat64(length)), 4503599627370495) + roundDown(bitAnd(reinterpretAsUInt64(toFloat64(length)), 4503599627370495), [0, 407610591105403, 852113092622101, 1336846507715111, 1865452045155277, 2441900471263451, 3070521937417133, 3756038507177095]) AS begin, count(), countIf(is_error), min((-length, trace, span, is_error))
FROM (SELECT toUInt32(least(intDiv(toUInt64(greatest(SpoorStart, {p0:UInt64}) - {p0:UInt64}), {p1:UInt64}), 59)) AS part, greatest(SpoorDuration, 0) AS length, StatusCode = 'Error' AS is_error, TraceId AS trace, SpanId AS span
FROM `d`.`otel_traces`
WHERE ((SpoorStart >= {p2:UInt64} AND Timestamp >= fromUnixTimestamp64Nano({p3:Int64}) AND SpoorStart <= {p4:UInt64} AND Timestamp <= fromUnixTimestamp64Nano({p5:Int64})) AND (ServiceName = {p6:String} AND (SpoorDuration >= {p7:Int64} AND Duration >= {p8:UInt64})))
LIMIT 1 BY cityHash64(TraceId, SpanId, ParentSpanId, SpoorStart, SpoorDuration, SpanName, SpanKind, ServiceName, StatusCode))
GROUP BY part, begin

p0: "5"
p1: "1000"
p2: "5"
p3: "5"
p4: "9223372036854775808"
p5: "4294967287410065408"
p6: "shop"
p7: "1500000001"
p8: "1500000001"
