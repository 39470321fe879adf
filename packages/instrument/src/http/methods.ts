/** Of RFC 9110, and PATCH and QUERY: others are told as `_OTHER`, since there may be any number of them. */
const known = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'CONNECT', 'QUERY'])

export function isKnownMethod(method: string): boolean {
  return known.has(method)
}
