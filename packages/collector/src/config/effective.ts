/** What a configuration says after merging and expanding, for people to read. */
import { stringify } from 'yaml'
import { CollectorError, type Factory } from '../component/index.ts'
import type { ConfigText } from './document.ts'
import type { Environment } from './expand.ts'
import { linesOf } from './load.ts'
import { readConfigFile } from './read.ts'
import { withoutSecrets } from './redact.ts'
import { readSource } from './source.ts'

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
