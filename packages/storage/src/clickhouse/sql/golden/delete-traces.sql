SELECT count() FROM `d`.`otel_traces` WHERE TraceId IN {p0:Array(String)}
{"p0":["0123456789abcdef0123456789abcdef"]}

ALTER TABLE `d`.`otel_traces` DELETE WHERE TraceId IN {p0:Array(String)} SETTINGS mutations_sync = 2
{"p0":["0123456789abcdef0123456789abcdef"]}

ALTER TABLE `d`.`otel_traces_trace_id_ts` DELETE WHERE TraceId IN {p0:Array(String)} SETTINGS mutations_sync = 2
{"p0":["0123456789abcdef0123456789abcdef"]}
