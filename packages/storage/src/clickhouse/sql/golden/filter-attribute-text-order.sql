may: mapContains(SpanAttributes, {p0:String})
must: 0

p0: "http.route"
