may: SpoorStart <= {p0:UInt64}
must: SpoorStart <= {p0:UInt64}

p0: "1735689599999999999"
