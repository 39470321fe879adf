SELECT unhex(TraceId), unhex(SpanId), unhex(ParentSpanId), SpanName, toUInt8(if(indexOf(['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'], toString(SpanKind)) = 0, 255, indexOf(['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'], toString(SpanKind)) - 1)), ServiceName, SpoorStart, toUInt64(SpoorStart + SpoorDuration), toUInt8(if(indexOf(['Unset', 'Ok', 'Error'], toString(StatusCode)) = 0, 255, indexOf(['Unset', 'Ok', 'Error'], toString(StatusCode)) - 1))
FROM `d`.`otel_traces`
WHERE ServiceName = {p0:String}
ORDER BY TraceId, SpoorBatch, SpoorRow

p0: "shop"
