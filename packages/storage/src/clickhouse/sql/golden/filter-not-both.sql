may: NOT (lower(SpanKind) = {p0:String} AND (match(SpanName, {p1:String}) AND position(SpanName, '\n') = 0 AND length(SpanName) < 65536))
must: NOT (lower(SpanKind) = {p0:String} AND match(SpanName, {p1:String}))

p0: "server"
p1: "x"
