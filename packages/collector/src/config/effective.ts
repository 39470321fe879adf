/** What a configuration says after merging and expanding, for people to read. */
import { stringify } from 'yaml'
import { CollectorError, type Factory } from '../component/index.ts'
import type { ConfigText } from './document.ts'
import type { Environment } from './expand.ts'
import { linesOf } from './load.ts'
import { isMapping, setKey } from './merge.ts'
import { readConfigFile } from './read.ts'
import { readSource } from './source.ts'

/** Keys of which the values are secrets, in whatever component: of a mapping (`headers`) all of them. */
const SECRET =
  /^(headers|response_headers|passwords?|tokens?|(client_|access_)?secrets?|(api|access)_?key|key_pem|inline)$/i
const REDACTED = '[REDACTED]'

/**
 * The configuration that the texts make: merged, with all references expanded, without the defaults. `redacted`: secrets are left out.
 *
 * @throws CollectorError `config` with a line for each thing that is wrong with a text or a reference; what components think of their
 * sections is not asked
 */
export function effectiveConfig(
  texts: readonly ConfigText[],
  {
    env,
    redacted,
    format,
  }: { readonly env: Environment; readonly redacted: boolean; readonly format: 'yaml' | 'json' },
): string {
  const source = readSource(texts, { env, readFile: readConfigFile })
  if (source.issues.length > 0) throw new CollectorError('config', linesOf(source.issues).join('\n'))
  const value = redacted ? withoutSecrets(source.value) : source.value
  return format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value, { lineWidth: 0 })
}

/** The components as YAML: a list for each kind, each with its older names and the signals that it takes. */
export function componentList(factories: readonly Factory[]): string {
  const lists: Record<string, unknown[]> = {}
  for (const factory of factories) {
    const signals = factory.kind === 'extension' ? [] : [...factory.signals].map((each) => [each].flat()[0])
    const aliases = factory.aliases ?? []
    const list = (lists[`${factory.kind}s`] ??= [])
    list.push({ name: factory.type, ...(aliases.length > 0 && { aliases }), ...(signals.length > 0 && { signals }) })
  }
  return stringify(lists)
}

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets)
  if (!isMapping(value)) return value
  const output: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value))
    setKey(output, key, SECRET.test(key) ? hidden(inner) : withoutSecrets(inner))
  return output
}

/** The structure stays, so that it can be seen that something is set. */
function hidden(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hidden)
  if (!isMapping(value)) return value === null || value === '' ? value : REDACTED
  const output: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value)) setKey(output, key, hidden(inner))
  return output
}
