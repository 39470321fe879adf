SELECT TraceId, SpoorSpan
FROM `d`.`otel_traces`
WHERE (TraceId IN (SELECT TraceId FROM `d`.`otel_traces` WHERE ServiceName = {p0:String}) AND TraceId IN (SELECT TraceId FROM `d`.`otel_traces` WHERE (toFloat64(SpoorDuration) >= {p1:Float64} AND Duration >= {p2:UInt64})) AND TraceId IN (SELECT TraceId FROM `d`.`otel_traces` WHERE lower(StatusCode) = {p3:String}))
ORDER BY TraceId, SpoorBatch, SpoorRow

p0: "shop"
p1: 999999999
p2: "999999999"
p3: "error"
