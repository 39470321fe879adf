SELECT TraceId, toString(-toInt128(if(countIf(ParentSpanId = '') > 0, maxIf(greatest(SpoorDuration, 0), ParentSpanId = ''), max(greatest(SpoorDuration, 0)))) AS bound) AS b, count() AS spans,
  toUnixTimestamp64Nano(min(Timestamp)) AS first, toUnixTimestamp64Nano(max(Timestamp)) AS last
FROM `d`.`otel_traces`
WHERE (TraceId IN (SELECT TraceId FROM `d`.`otel_traces` WHERE ((SpoorStart >= {p0:UInt64} AND Timestamp >= fromUnixTimestamp64Nano({p1:Int64}) AND SpoorStart <= {p2:UInt64} AND Timestamp <= fromUnixTimestamp64Nano({p3:Int64})) AND ServiceName = {p8:String})) AND TraceId IN (SELECT TraceId FROM `d`.`otel_traces` WHERE ((SpoorStart >= {p0:UInt64} AND Timestamp >= fromUnixTimestamp64Nano({p1:Int64}) AND SpoorStart <= {p2:UInt64} AND Timestamp <= fromUnixTimestamp64Nano({p3:Int64})) AND (SpoorDuration >= {p9:Int64} AND Duration >= {p10:UInt64}))) AND TraceId IN (SELECT TraceId FROM `d`.`otel_traces` WHERE lower(StatusCode) = {p11:String}))
GROUP BY TraceId
HAVING (-toInt128(if(countIf(ParentSpanId = '') > 0, minIf(greatest(SpoorDuration, 0), ParentSpanId = ''), min(greatest(SpoorDuration, 0)))), TraceId) > (toInt128({p4:String}), {p5:String}) AND (-toInt128(if(countIf(ParentSpanId = '') > 0, maxIf(greatest(SpoorDuration, 0), ParentSpanId = ''), max(greatest(SpoorDuration, 0)))), TraceId) > (toInt128({p6:String}), {p7:String})
ORDER BY bound, TraceId
LIMIT 100

p0: "5"
p1: "5"
p2: "9223372036854775808"
p3: "4294967287410065408"
p4: "-5"
p5: "00000000000000000000000000000000"
p6: "-7"
p7: "11111111111111111111111111111111"
p8: "shop"
p9: "1000000001"
p10: "1000000001"
p11: "error"
