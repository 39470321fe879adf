may: (mapContains(ResourceAttributes, {p0:String}) AND NOT (mapContains(ResourceAttributes, {p0:String}) AND arrayExists((k, v) -> k = {p0:String} AND v = {p1:String}, mapKeys(ResourceAttributes), mapValues(ResourceAttributes))))
must: (mapContains(ResourceAttributes, {p0:String}) AND NOT (mapContains(ResourceAttributes, {p0:String}) AND arrayExists((k, v) -> k = {p0:String} AND v = {p1:String}, mapKeys(ResourceAttributes), mapValues(ResourceAttributes))))

p0: "http.route"
p1: "/pay"
