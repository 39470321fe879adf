/** As routers take them. */
export type Path = string | RegExp | readonly Path[]

/** What matches everything, and says nothing of where something is. */
const everything = /^(?:\/|\/?\*|\/\{\*\w*\})?$/

/** A path as it was written, of several all of them; '' where there is none. */
export function writtenAs(path: unknown): string {
  if (Array.isArray(path)) {
    const texts = path.map(writtenAs)
    return texts.every((text) => text === '') ? '' : texts.join(',')
  }
  return typeof path === 'string' || path instanceof RegExp ? String(path) : ''
}

/** What is mounted below a path has it for its pattern; '' where that matches all. */
export function mountedBelow(path: unknown): string {
  const text = writtenAs(path)
  return everything.test(text) ? '' : text
}

/** A pattern below another one. */
export function joined(above: string, pattern: string): string {
  if (above === '') return pattern
  if (pattern === '/') return above
  return above.endsWith('/') && pattern.startsWith('/') ? above + pattern.slice(1) : above + pattern
}
