may: 1
must: NOT (lower(SpanKind) = {p0:String} AND match(SpanName, {p1:String}))

p0: "server"
p1: "x"
