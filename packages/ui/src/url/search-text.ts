/**
 * How the router reads and writes what is behind `?`: parameters stay the text that they are in the address bar, no JSON in it. A repeated one becomes a
 * list.
 */
export const searchText = {
  parseSearch: (text: string) => {
    const parameters = new URLSearchParams(text)
    return Object.fromEntries(
      [...new Set(parameters.keys())].map((key) => {
        const values = parameters.getAll(key)
        return [key, values.length > 1 ? values : values[0]]
      }),
    )
  },
  stringifySearch: (search: Readonly<Record<string, unknown>>) => {
    const parameters = new URLSearchParams()
    for (const [key, value] of Object.entries(search)) if (typeof value === 'string') parameters.set(key, value)
    return parameters.size > 0 ? `?${parameters}` : ''
  },
}
