may: 1
must: 0


