may: (notEmpty(`Links.TraceId`) AND NOT (arrayExists(x -> x = {p0:String}, `Links.TraceId`)))
must: (notEmpty(arrayFilter(x -> x != '', `Links.TraceId`)) AND NOT (arrayExists(x -> x = {p0:String}, `Links.TraceId`)))

p0: "ab"
