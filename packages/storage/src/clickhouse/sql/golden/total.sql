SELECT uniqExact(TraceId)
FROM `d`.`otel_traces`
WHERE ServiceName = {p0:String}

p0: "shop"
