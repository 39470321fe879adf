/** `.dockerignore`: the last pattern that a path or a folder above it matches decides. */
export function ignoring(text: string): (path: string) => boolean {
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const again = line.startsWith('!')
      const pattern = (again ? line.slice(1) : line).replace(/^\/|\/$/g, '')
      return { again, matches: expressionOf(pattern) }
    })
  return (path) => {
    const parts = path.split('/')
    const above = parts.map((_, index) => parts.slice(0, index + 1).join('/'))
    let ignored = false
    for (const { again, matches } of rules) if (above.some((one) => matches.test(one))) ignored = !again
    return ignored
  }
}

function expressionOf(pattern: string): RegExp {
  const source = pattern
    .split('/')
    .map((part) =>
      part === '**'
        ? '**'
        : part
            .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
            .replaceAll('*', '[^/]*')
            .replaceAll('?', '[^/]'),
    )
    .join('/')
    .replaceAll('**/', '(?:.*/)?')
    .replaceAll('/**', '/.*')
  return new RegExp(`^${source}$`)
}
