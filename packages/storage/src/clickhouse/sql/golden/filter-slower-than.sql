may: (toFloat64(SpoorDuration) >= {p0:Float64} AND Duration >= {p1:UInt64})
must: 0

p0: 999999999
p1: "999999999"
