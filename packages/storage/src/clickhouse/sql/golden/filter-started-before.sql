may: toFloat64(SpoorStart) <= {p0:Float64}
must: 0

p0: 1735689601735689700
