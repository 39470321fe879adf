may: (mapContains(SpanAttributes, {p0:String}) AND has(mapValues(SpanAttributes), {p2:String}) AND arrayExists((k, v) -> k = {p0:String} AND v = {p1:String}, mapKeys(SpanAttributes), mapValues(SpanAttributes)))
must: (mapContains(SpanAttributes, {p0:String}) AND has(mapValues(SpanAttributes), {p2:String}) AND arrayExists((k, v) -> k = {p0:String} AND v = {p1:String}, mapKeys(SpanAttributes), mapValues(SpanAttributes)))

p0: "http.route"
p1: "/pay"
p2: "/pay"
