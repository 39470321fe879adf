may: arrayExists(x -> x = {p0:String}, `Events.Name`)
must: arrayExists(x -> x = {p0:String}, `Events.Name`)

p0: "exception"
