may: ParentSpanId != ''
must: ParentSpanId != ''


