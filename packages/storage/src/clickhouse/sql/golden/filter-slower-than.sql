may: (SpoorDuration >= {p0:Int64} AND Duration >= {p1:UInt64})
must: (SpoorDuration >= {p0:Int64} AND Duration >= {p1:UInt64})

p0: "1000000001"
p1: "1000000001"
