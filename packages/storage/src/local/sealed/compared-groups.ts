import { BackWriter } from './back-writer.ts'
import { LEVEL } from './column.ts'
import { hasOtherFields } from './groups.ts'
import { MessageWriter } from './message-writer.ts'
import { inPieces } from './pieces.ts'
import type { SealedRows } from './sealed-rows.ts'
import type { SectionColumns } from './section-columns.ts'
import type { Source } from './source.ts'
import type { Hold } from './specimen.ts'

/** Whether each span is under its own resource and scope. `hold`: see `specimen.ts`. */
export function hasOwnGroups(source: Source, columns: SectionColumns, rows: SealedRows, hold?: Hold): boolean {
  const groups = new ComparedGroups(source, columns, rows.group)
  inPieces(source.kept.length, (from, to) => groups.compare(from, to))
  hold?.(groups)
  return groups.areSame
}

/** Whether spans are under their own resources and scopes. */
class ComparedGroups {
  areSame = true
  readonly #source: Source
  readonly #groupOf: Uint32Array
  readonly #resourceOf: Uint32Array
  readonly #scopeOf: Uint32Array
  readonly #resources: readonly Buffer[]
  readonly #scopes: readonly Buffer[]
  /** Of the span before. */
  #scope = -1
  #group = -1
  #resourceStart = -1
  #resource = -1

  constructor(source: Source, columns: SectionColumns, group: Uint32Array) {
    const groupOf = new Uint32Array(source.columns.count)
    const { order } = source
    inPieces(order.length, (from, to) => scatter(group, order, from, to, groupOf))
    this.#source = source
    this.#groupOf = groupOf
    this.#resourceOf = columns.head.resourceOf
    this.#scopeOf = columns.head.scopeOf
    this.#resources = messagesOf(columns, LEVEL.resource)
    this.#scopes = messagesOf(columns, LEVEL.scope)
  }

  compare(from: number, to: number): void {
    const { kept, columns } = this.#source
    const { scopeStart } = columns
    const groupOf = this.#groupOf
    for (let i = from; i < to; i++) {
      const row = kept[i]!
      const own = groupOf[row]!
      if (own === this.#group && scopeStart[row] === this.#scope) continue
      this.#scope = scopeStart[row]!
      this.#group = own
      if (!this.#isSame(row, own)) this.areSame = false
    }
  }

  #isSame(row: number, group: number): boolean {
    const { bytes, columns } = this.#source
    const start = columns.resourceStart[row]!
    const resource = this.#resourceOf[group]!
    if (start !== this.#resourceStart || resource !== this.#resource) {
      const message = this.#resources[resource]
      if (!message || !hasOtherFields(bytes, start, columns.resourceEnd[row]!, message)) return false
      this.#resourceStart = start
      this.#resource = resource
    }
    const message = this.#scopes[this.#scopeOf[group]!]
    return message !== undefined && hasOtherFields(bytes, this.#scope, columns.scopeEnd[row]!, message)
  }
}

/** Puts numbers at other places, by the place of each. */
function scatter(numbers: Uint32Array, places: Uint32Array, from: number, to: number, out: Uint32Array): void {
  for (let i = from; i < to; i++) out[places[i]!] = numbers[i]!
}

function messagesOf(columns: SectionColumns, level: 3 | 4): Buffer[] {
  const out = new BackWriter()
  const messages: Buffer[] = []
  for (const chunk of columns.chunks(level, 0, Infinity)) {
    const members = Uint32Array.from({ length: chunk.rows[level]! }, (_, i) => i)
    const writer = new MessageWriter(columns, chunk, level, members, out)
    for (let i = 0; i < members.length; i++) {
      writer.write(i)
      messages.push(Buffer.from(out.take()))
    }
  }
  return messages
}
