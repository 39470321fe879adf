may: ((positionCaseInsensitive(SpanName, {p1:String}) > 0 OR length(SpanName) != lengthUTF8(SpanName)) OR (positionCaseInsensitive(ServiceName, {p1:String}) > 0 OR length(ServiceName) != lengthUTF8(ServiceName)) OR (has(mapValues(SpanAttributes), {p0:String}) OR has(mapValues(ResourceAttributes), {p0:String}) OR has(mapValues(SpoorScopeAttributes), {p0:String}) OR arrayExists(m -> has(mapValues(m), {p0:String}), `Events.Attributes`) OR arrayExists(m -> has(mapValues(m), {p0:String}), `Links.Attributes`)) OR SpanId = {p1:String} OR TraceId = {p1:String})
must: 0

p0: "Abc1"
p1: "abc1"
