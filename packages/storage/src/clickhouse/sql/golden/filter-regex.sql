may: match(SpanName, {p0:String})
must: (match(SpanName, {p0:String}) AND position(SpanName, '\n') = 0 AND length(SpanName) < 65536)

p0: "^GET /pay\\.js"
