may: (mapContains(SpanAttributes, {p0:String}) AND arrayExists((k, v) -> k = {p0:String} AND ifNull(toFloat64OrNull(v) >= {p1:Float64}, 0), mapKeys(SpanAttributes), mapValues(SpanAttributes)))
must: (mapContains(SpanAttributes, {p0:String}) AND arrayExists((k, v) -> k = {p0:String} AND ((match(v, '^(0|-?[1-9][0-9]{0,17})$') AND toInt64OrZero(v) >= {p2:Int64}) OR (match(v, '^-?(0|[1-9][0-9]*)[.][0-9]*[1-9]$') AND length(v) <= 16 AND abs(toFloat64OrZero(v)) >= 0.00001 AND toFloat64OrZero(v) >= {p3:Float64})), mapKeys(SpanAttributes), mapValues(SpanAttributes)))

p0: "http.route"
p1: 499.9999995
p2: "500"
p3: 500.0000005
