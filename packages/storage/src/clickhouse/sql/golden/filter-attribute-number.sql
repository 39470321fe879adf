may: (mapContains(SpanAttributes, {p0:String}) AND arrayExists((k, v) -> k = {p0:String} AND ifNull(toFloat64OrNull(v) >= {p1:Float64}, 0), mapKeys(SpanAttributes), mapValues(SpanAttributes)))
must: 0

p0: "http.route"
p1: 499.9999995
