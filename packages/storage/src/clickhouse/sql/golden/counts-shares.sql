SELECT pair.1 AS key, pair.2 AS value, countIf(is_b = 0) AS of_a, countIf(is_b = 1) AS of_b
FROM (SELECT arrayJoin([(toUInt16(0), CAST(if(ServiceName = '', 'unknown_service', ServiceName), 'Nullable(String)')), (toUInt16(1), multiIf(mapContains(SpanAttributes, {p0:String}), CAST(if(countEqual(mapKeys(SpanAttributes), {p0:String}) = 1, SpanAttributes[{p0:String}], arraySort(v -> replaceAll(replaceAll(v, '\xee', '\xf8'), '\xef', '\xf9'), arrayFilter((v, k) -> k = {p0:String}, mapValues(SpanAttributes), mapKeys(SpanAttributes)))[1]), 'Nullable(String)'), mapContains(ResourceAttributes, {p0:String}), CAST(if(countEqual(mapKeys(ResourceAttributes), {p0:String}) = 1, ResourceAttributes[{p0:String}], arraySort(v -> replaceAll(replaceAll(v, '\xee', '\xf8'), '\xef', '\xf9'), arrayFilter((v, k) -> k = {p0:String}, mapValues(ResourceAttributes), mapKeys(ResourceAttributes)))[1]), 'Nullable(String)'), mapContains(SpoorScopeAttributes, {p0:String}), CAST(if(countEqual(mapKeys(SpoorScopeAttributes), {p0:String}) = 1, SpoorScopeAttributes[{p0:String}], arraySort(v -> replaceAll(replaceAll(v, '\xee', '\xf8'), '\xef', '\xf9'), arrayFilter((v, k) -> k = {p0:String}, mapValues(SpoorScopeAttributes), mapKeys(SpoorScopeAttributes)))[1]), 'Nullable(String)'), arrayExists(m -> mapContains(m, {p0:String}), `Events.Attributes`), CAST(arraySort(v -> replaceAll(replaceAll(v, '\xee', '\xf8'), '\xef', '\xf9'), arrayFlatten(arrayMap(m -> arrayFilter((v, k) -> k = {p0:String}, mapValues(m), mapKeys(m)), `Events.Attributes`)))[1], 'Nullable(String)'), arrayExists(m -> mapContains(m, {p0:String}), `Links.Attributes`), CAST(arraySort(v -> replaceAll(replaceAll(v, '\xee', '\xf8'), '\xef', '\xf9'), arrayFlatten(arrayMap(m -> arrayFilter((v, k) -> k = {p0:String}, mapValues(m), mapKeys(m)), `Links.Attributes`)))[1], 'Nullable(String)'), NULL)), (toUInt16(2), CAST(NULL, 'Nullable(String)'))]) AS pair, toUInt8(0) AS is_b FROM (SELECT *
FROM `d`.`otel_traces`
WHERE ((SpoorStart >= {p1:UInt64} AND Timestamp >= fromUnixTimestamp64Nano({p2:Int64}) AND SpoorStart <= {p3:UInt64} AND Timestamp <= fromUnixTimestamp64Nano({p4:Int64})) AND (ServiceName = {p5:String} AND (SpoorDuration >= {p6:Int64} AND Duration >= {p7:UInt64})))
LIMIT 1 BY cityHash64(TraceId, SpanId, ParentSpanId, SpoorStart, SpoorDuration, SpanName, SpanKind, ServiceName, StatusCode)) UNION ALL SELECT arrayJoin([(toUInt16(0), CAST(if(ServiceName = '', 'unknown_service', ServiceName), 'Nullable(String)')), (toUInt16(1), multiIf(mapContains(SpanAttributes, {p0:String}), CAST(if(countEqual(mapKeys(SpanAttributes), {p0:String}) = 1, SpanAttributes[{p0:String}], arraySort(v -> replaceAll(replaceAll(v, '\xee', '\xf8'), '\xef', '\xf9'), arrayFilter((v, k) -> k = {p0:String}, mapValues(SpanAttributes), mapKeys(SpanAttributes)))[1]), 'Nullable(String)'), mapContains(ResourceAttributes, {p0:String}), CAST(if(countEqual(mapKeys(ResourceAttributes), {p0:String}) = 1, ResourceAttributes[{p0:String}], arraySort(v -> replaceAll(replaceAll(v, '\xee', '\xf8'), '\xef', '\xf9'), arrayFilter((v, k) -> k = {p0:String}, mapValues(ResourceAttributes), mapKeys(ResourceAttributes)))[1]), 'Nullable(String)'), mapContains(SpoorScopeAttributes, {p0:String}), CAST(if(countEqual(mapKeys(SpoorScopeAttributes), {p0:String}) = 1, SpoorScopeAttributes[{p0:String}], arraySort(v -> replaceAll(replaceAll(v, '\xee', '\xf8'), '\xef', '\xf9'), arrayFilter((v, k) -> k = {p0:String}, mapValues(SpoorScopeAttributes), mapKeys(SpoorScopeAttributes)))[1]), 'Nullable(String)'), arrayExists(m -> mapContains(m, {p0:String}), `Events.Attributes`), CAST(arraySort(v -> replaceAll(replaceAll(v, '\xee', '\xf8'), '\xef', '\xf9'), arrayFlatten(arrayMap(m -> arrayFilter((v, k) -> k = {p0:String}, mapValues(m), mapKeys(m)), `Events.Attributes`)))[1], 'Nullable(String)'), arrayExists(m -> mapContains(m, {p0:String}), `Links.Attributes`), CAST(arraySort(v -> replaceAll(replaceAll(v, '\xee', '\xf8'), '\xef', '\xf9'), arrayFlatten(arrayMap(m -> arrayFilter((v, k) -> k = {p0:String}, mapValues(m), mapKeys(m)), `Links.Attributes`)))[1], 'Nullable(String)'), NULL)), (toUInt16(2), CAST(NULL, 'Nullable(String)'))]) AS pair, toUInt8(1) AS is_b FROM (SELECT *
FROM `d`.`otel_traces`
WHERE (SpoorStart >= {p8:UInt64} AND Timestamp >= fromUnixTimestamp64Nano({p9:Int64}) AND SpoorStart <= {p10:UInt64} AND Timestamp <= fromUnixTimestamp64Nano({p11:Int64}))
LIMIT 1 BY cityHash64(TraceId, SpanId, ParentSpanId, SpoorStart, SpoorDuration, SpanName, SpanKind, ServiceName, StatusCode)))
GROUP BY key, value
ORDER BY greatest(of_a, of_b) DESC, value
LIMIT 10000 BY key

p0: "http.route"
p1: "5"
p2: "5"
p3: "9223372036854775808"
p4: "4294967287410065408"
p5: "shop"
p6: "1500000001"
p7: "1500000001"
p8: "5"
p9: "5"
p10: "9223372036854775808"
p11: "4294967287410065408"
