import type { Metadata } from '../component/index.ts'

/**
 * The headers of a request as metadata. `raw`: names and values in turn, as they came. Of HTTP/2's own there is `:authority`, which is
 * given as `host`, too, where there is none; so a name for it is the same on both versions of HTTP.
 */
export function metadataOf(raw: readonly string[]): Metadata {
  const metadata = new Map<string, string[]>()
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]!.toLowerCase()
    if (name.startsWith(':') && name !== ':authority') continue
    const values = metadata.get(name)
    if (values) values.push(raw[index + 1]!)
    else metadata.set(name, [raw[index + 1]!])
  }
  const authority = metadata.get(':authority')
  if (authority && !metadata.has('host')) metadata.set('host', authority)
  return metadata
}
