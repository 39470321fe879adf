SELECT TraceId, SpoorSpan
FROM `d`.`otel_traces`
WHERE (TraceId IN (SELECT TraceId FROM `d`.`otel_traces` WHERE ServiceName = {p0:String}) AND TraceId IN (SELECT TraceId FROM `d`.`otel_traces` WHERE (SpoorDuration >= {p1:Int64} AND Duration >= {p2:UInt64})) AND TraceId IN (SELECT TraceId FROM `d`.`otel_traces` WHERE lower(StatusCode) = {p3:String}))
ORDER BY TraceId, SpoorBatch, SpoorRow

p0: "shop"
p1: "1000000001"
p2: "1000000001"
p3: "error"
