SELECT toUInt8(1) FROM `d`.`otel_traces`
WHERE ((SpoorStart >= {p5:UInt64} AND Timestamp >= fromUnixTimestamp64Nano({p6:Int64}) AND SpoorStart <= {p7:UInt64} AND Timestamp <= fromUnixTimestamp64Nano({p8:Int64})) AND ((ServiceName = {p0:String} OR (mapContains(SpanAttributes, {p1:String}) AND arrayExists((k, v) -> k = {p1:String} AND ifNull(toFloat64OrNull(v) >= {p2:Float64}, 0), mapKeys(SpanAttributes), mapValues(SpanAttributes)))) AND NOT ((ServiceName = {p0:String} OR (mapContains(SpanAttributes, {p1:String}) AND arrayExists((k, v) -> k = {p1:String} AND ((match(v, '^(0|-?[1-9][0-9]{0,17})$') AND toInt64OrZero(v) >= {p3:Int64}) OR (match(v, '^-?(0|[1-9][0-9]*)[.][0-9]*[1-9]$') AND length(v) <= 16 AND abs(toFloat64OrZero(v)) >= 0.00001 AND toFloat64OrZero(v) >= {p4:Float64})), mapKeys(SpanAttributes), mapValues(SpanAttributes)))))))
LIMIT 1

p0: "shop"
p1: "http.status_code"
p2: 499.9999995
p3: "500"
p4: 500.0000005
p5: "5"
p6: "5"
p7: "9223372036854775808"
p8: "4294967287410065408"
