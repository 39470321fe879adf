may: match(SpanName, {p0:String})
must: 0

p0: "^GET /pay\\.js"
