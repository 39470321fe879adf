/** The parts of a URL, as Go's `net/url` reads and writes it. */
import { EvaluationError } from '../error.ts'
import { list, map, type MapValue } from '../value.ts'

/** What stands in a part as it is; everything else is escaped when the part is written anew. */
const PLAIN = {
  user: /[\w.~$&+,;=-]/,
  host: /[\w.~!$&'()*+,;=:[\]<>"-]/,
  path: /[\w.~$&+,/:;=@-]/,
  fragment: /[\w.~!$&()*+,/:;=?@-]/,
}

/** Paths and fragments of these characters stay as they were written. */
const WRITTEN = { path: /^(?:[\w.~!$&'()*+,/:;=@[\]-]|%)*$/, fragment: /^(?:[\w.~!$&'()*+,/:;=?@[\]-]|%)*$/ }

const USER = /^[\w.:~!$&'()*+,;=%@-]*$/

/** By the names that the semantic conventions give them. Throws {@link EvaluationError}. */
export function urlParts(text: string): MapValue {
  const fail = (why: string): never => {
    throw new EvaluationError(`${JSON.stringify(text.slice(0, 200))} is no URL: ${why}`)
  }
  if (text === '') fail('it is empty')
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x1f\x7f]/.test(text)) fail('it has a control character')
  // As otelcol has it: what is a query alone is no URL, and has values by their names.
  if (text.startsWith('?')) return map([['query', queryOf(text)]])
  const decoded = (part: string): string => {
    try {
      return decodeURIComponent(part)
    } catch {
      return fail('it has an escape that is none')
    }
  }
  const [, written = '', authority, path = '', query, fragment = ''] =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:(?!^\/{3})\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text)!
  const scheme = written.toLowerCase()
  if (scheme === '' && authority === undefined && /^[^/]*:/.test(path)) fail('there is a colon in the first part')
  const { user, host, port } = authorityOf(authority ?? '', fail)
  // What stands behind a scheme without a slash is no path.
  const isOpaque = scheme !== '' && authority === undefined && !path.startsWith('/') && path !== ''
  const plainPath = isOpaque ? '' : decoded(path)
  const [name, password] = (user ?? '').split(/:(.*)/s, 2).map(decoded)
  const plainHost = decoded(host)
  const userInfo = [name, password].flatMap((part) => (part === undefined ? [] : [escaped(part, 'user')])).join(':')
  const original = [
    scheme && `${scheme}:`,
    authority || (authority === '' && scheme !== '' && path !== '') ? '//' : '',
    user === undefined ? '' : `${userInfo}@`,
    // The zone of an address is written as it was.
    host.startsWith('[') ? host : escaped(plainHost, 'host'),
    port === undefined ? '' : `:${port}`,
    isOpaque || path === '*' ? path : rewritten(path, plainPath, 'path'),
    query === undefined ? '' : `?${query}`,
    fragment && `#${rewritten(fragment, decoded(fragment), 'fragment')}`,
  ].join('')
  const entries: [string, string | bigint][] = [
    ['url.original', original],
    ['url.domain', plainHost.replace(/^\[(.*)\]$/, '$1')],
    ['url.scheme', scheme],
    ['url.path', plainPath],
  ]
  if (port) entries.push(['url.port', BigInt(port)])
  if (fragment) entries.push(['url.fragment', decoded(fragment)])
  if (user !== undefined) {
    entries.push(['url.user_info', userInfo])
    if (name) entries.push(['url.username', name])
    if (password !== undefined) entries.push(['url.password', password])
  }
  if (query) entries.push(['url.query', query])
  const extension = /\.([^.]+)$/.exec(plainPath)?.[1]
  if (extension !== undefined) entries.push(['url.extension', extension])
  return map(entries)
}

function queryOf(text: string): MapValue {
  const parameters = new URLSearchParams(text)
  return map(Array.from(new Set(parameters.keys()), (name) => [name, list(parameters.getAll(name))]))
}

interface Authority {
  readonly user: string | undefined
  readonly host: string
  readonly port: string | undefined
}

function authorityOf(authority: string, fail: (why: string) => never): Authority {
  const [, user, host = '', port] =
    /^(?:(.*)@)?(\[.*\]|[^:]*)(?::(\d*))?$/s.exec(authority) ?? fail('it has no such port')
  if (user !== undefined && !USER.test(user)) fail('there is a character in the user that must be escaped')
  if (!host.startsWith('[') && /%[0-7]/.test(host)) fail('there is an escape in the host')
  for (const character of host)
    if (character < '\x80' && character !== '%' && !PLAIN.host.test(character))
      fail(`there is ${JSON.stringify(character)} in the host`)
  return { user, host, port }
}

/** As it was written where that is allowed, else with what must be escaped. */
function rewritten(written: string, plain: string, part: 'path' | 'fragment'): string {
  return WRITTEN[part].test(written) ? written : escaped(plain, part)
}

function escaped(text: string, part: keyof typeof PLAIN): string {
  return text.replace(/[^]/gu, (character) => {
    if (PLAIN[part].test(character)) return character
    return Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
  })
}
