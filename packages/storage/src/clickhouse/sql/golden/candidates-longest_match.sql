SELECT TraceId, toString(-toInt128(greatest(maxIf(SpoorDuration, ((SpoorStart >= {p0:UInt64} AND Timestamp >= fromUnixTimestamp64Nano({p1:Int64}) AND SpoorStart <= {p2:UInt64} AND Timestamp <= fromUnixTimestamp64Nano({p3:Int64})) AND (SpoorDuration >= {p4:Int64} AND Duration >= {p5:UInt64}))), 0)) AS bound) AS b, count() AS spans,
  toUnixTimestamp64Nano(min(Timestamp)) AS first, toUnixTimestamp64Nano(max(Timestamp)) AS last
FROM `d`.`otel_traces`
WHERE (TraceId IN (SELECT TraceId FROM `d`.`otel_traces` WHERE ((SpoorStart >= {p0:UInt64} AND Timestamp >= fromUnixTimestamp64Nano({p1:Int64}) AND SpoorStart <= {p2:UInt64} AND Timestamp <= fromUnixTimestamp64Nano({p3:Int64})) AND ServiceName = {p10:String})) AND TraceId IN (SELECT TraceId FROM `d`.`otel_traces` WHERE ((SpoorStart >= {p0:UInt64} AND Timestamp >= fromUnixTimestamp64Nano({p1:Int64}) AND SpoorStart <= {p2:UInt64} AND Timestamp <= fromUnixTimestamp64Nano({p3:Int64})) AND (SpoorDuration >= {p11:Int64} AND Duration >= {p12:UInt64}))) AND TraceId IN (SELECT TraceId FROM `d`.`otel_traces` WHERE lower(StatusCode) = {p13:String}))
GROUP BY TraceId
HAVING (toInt128(9223372036854775807), TraceId) > (toInt128({p6:String}), {p7:String}) AND (-toInt128(greatest(maxIf(SpoorDuration, ((SpoorStart >= {p0:UInt64} AND Timestamp >= fromUnixTimestamp64Nano({p1:Int64}) AND SpoorStart <= {p2:UInt64} AND Timestamp <= fromUnixTimestamp64Nano({p3:Int64})) AND (SpoorDuration >= {p4:Int64} AND Duration >= {p5:UInt64}))), 0)), TraceId) > (toInt128({p8:String}), {p9:String})
ORDER BY bound, TraceId
LIMIT 100

p0: "5"
p1: "5"
p2: "9223372036854775808"
p3: "4294967287410065408"
p4: "1000000001"
p5: "1000000001"
p6: "-5"
p7: "00000000000000000000000000000000"
p8: "-7"
p9: "11111111111111111111111111111111"
p10: "shop"
p11: "1000000001"
p12: "1000000001"
p13: "error"
