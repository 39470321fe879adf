may: arrayExists(m -> mapContains(m, {p0:String}), `Events.Attributes`)
must: arrayExists(m -> mapContains(m, {p0:String}), `Events.Attributes`)

p0: "http.route"
