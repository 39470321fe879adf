may: (notEmpty(`Links.TraceId`) AND NOT (arrayExists(x -> x = {p0:String}, `Links.TraceId`)))
must: 0

p0: "ab"
