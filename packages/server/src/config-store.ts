import { type ConfigText, effectiveConfig } from '@spoor/collector'
import { isStoreAddress } from './named-store.ts'

/**
 * The store that a configuration names for its exporters `spoor_storage`; undefined where it names none. Whether that is an address, and one for all of them, is said when
 * the configuration is loaded, with its line. Throws CollectorError `config` where it cannot be read at all.
 */
export function storeInConfig(config: readonly ConfigText[]): string | undefined {
  const { exporters } = JSON.parse(effectiveConfig(config, { env: process.env, redacted: false, format: 'json' })) as {
    readonly exporters?: Readonly<Record<string, { readonly store?: unknown } | null>>
  }
  for (const [id, section] of Object.entries(exporters ?? {}))
    if (id.split('/')[0]!.trim() === 'spoor_storage' && isStoreAddress(section?.store)) return section.store
  return undefined
}
