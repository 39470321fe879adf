may: ServiceName = {p0:String}
must: ServiceName = {p0:String}

p0: "shop"
