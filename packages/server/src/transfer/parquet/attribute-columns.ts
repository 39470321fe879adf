import { type AnyValue, decodeTraces, type KeyValue } from '@spoor/otlp'

/** What an attribute is an attribute of. Those of events and links stay with these. */
export type AttributeLevel = 'span' | 'resource' | 'scope'

/** Kinds of values that a column can hold. */
export type ColumnKind = Extract<AnyValue['type'], 'string' | 'int' | 'double' | 'bool'>

/** A key whose values have a column of their own. */
export interface AttributeColumn {
  readonly level: AttributeLevel
  readonly key: string
  readonly kind: ColumnKind
}

/** Columns, at most, that attributes get: a column costs time in every row, also where it is empty. */
const MAX_COLUMNS = 64
/** The share of the spans that must have a key for it to get one. */
const MIN_SHARE = 0.01
/** Names that every tool can handle. */
const NAME = /^[^\p{Cc}]{1,128}$/u

const KINDS: ReadonlySet<string> = new Set<ColumnKind>(['string', 'int', 'double', 'bool'])

/**
 * Finds by a sample of the spans which keys are frequent enough for a column of their own. A key's column has the kind that its values have most
 * often. Keys that differ in the case of letters only get one column, for the more frequent: to SQL they are the same name.
 */
export class AttributeCensus {
  #spans = 0
  readonly #keys = new Map<string, { level: AttributeLevel; key: string; spans: number; kinds: Map<string, number> }>()

  /** Serialized `TracesData`. */
  add(bytes: Uint8Array): void {
    for (const { resource, scopeSpans } of decodeTraces(bytes).resourceSpans) {
      for (const { scope, spans } of scopeSpans) {
        this.#spans += spans.length
        this.#count('resource', resource.attributes, spans.length)
        this.#count('scope', scope.attributes, spans.length)
        for (const { attributes } of spans) this.#count('span', attributes, 1)
      }
    }
  }

  /** The most frequent first. */
  columns(): AttributeColumn[] {
    const columns: AttributeColumn[] = []
    const names = new Set<string>()
    for (const { level, key, spans, kinds } of [...this.#keys.values()].sort((a, b) => b.spans - a.spans)) {
      if (columns.length >= MAX_COLUMNS || spans < MIN_SHARE * this.#spans) break
      const kind = mostFrequent(kinds)
      const name = columnName(level, key).toLowerCase()
      if (!KINDS.has(kind) || !NAME.test(key) || names.has(name)) continue
      names.add(name)
      columns.push({ level, key, kind: kind as ColumnKind })
    }
    return columns
  }

  #count(level: AttributeLevel, attributes: readonly KeyValue[], spans: number): void {
    for (const { key, value } of attributes) {
      // The service has a column anyway.
      if (level === 'resource' && key === 'service.name' && value.type === 'string') continue
      const name = columnName(level, key)
      let counted = this.#keys.get(name)
      if (!counted) this.#keys.set(name, (counted = { level, key, spans: 0, kinds: new Map() }))
      counted.spans += spans
      counted.kinds.set(value.type, (counted.kinds.get(value.type) ?? 0) + spans)
    }
  }
}

export function columnName(level: AttributeLevel, key: string): string {
  return `${level}.${key}`
}

function mostFrequent(counts: ReadonlyMap<string, number>): string {
  return [...counts].reduce((best, next) => (next[1] > best[1] ? next : best))[0]
}
