may: lower(StatusCode) IN {p0:Array(String)}
must: lower(StatusCode) IN {p0:Array(String)}

p0: ["error","ok"]
