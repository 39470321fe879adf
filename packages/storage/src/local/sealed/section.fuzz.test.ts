import { createSpanColumns, scanSpans, type SpanColumns } from '@spoor/otlp'
import * as fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { StorageError, type Level, type Target } from '../../contract.ts'
import { hashAttribute, type Value } from '../block/attribute.ts'
import { HashSet, viewOf } from '../block/hash.ts'
import { MAX_DURATION_NS } from '../block/rows.ts'
import { StillClock } from '../read/blocks.test.helper.ts'
import { attributeTarget } from '../read/span-view.ts'
import { extentsOf } from '../read/trace-extents.ts'
import { Turn } from '../read/turn.ts'
import { collectValues, RESOURCE_PLACE, SCOPE_PLACE, SPAN_PLACES, textAt, visitAttributes } from '../read/wire.ts'
import { KEYS, recipes, requestsOf } from './arbitrary.test.helper.ts'
import { encodeSection } from './encode.ts'
import { Section } from './section.ts'
import { fieldEnd } from './wire.ts'

vi.setConfig({ testTimeout: 120_000 })

/** A span with what it is under: everything of it as text, by which it is found again. */
interface Scanned {
  readonly key: string
  readonly span: Uint8Array
  readonly resource: Uint8Array
  readonly scope: Uint8Array
  readonly header: readonly unknown[]
}

function scan(bytes: Uint8Array): Scanned[] {
  const columns = createSpanColumns()
  scanSpans(bytes, columns)
  return Array.from({ length: columns.count }, (_, row) => {
    const span = bytes.subarray(columns.spanStart[row], columns.spanEnd[row])
    const resource = withoutMembers(bytes, columns.resourceStart[row]!, columns.resourceEnd[row]!)
    const scope = withoutMembers(bytes, columns.scopeStart[row]!, columns.scopeEnd[row]!)
    return { key: [resource, scope, span].map(hex).join(' '), span, resource, scope, header: headerOf(columns, row) }
  })
}

function headerOf(columns: SpanColumns, row: number): unknown[] {
  const { traceId, spanId, parentSpanId, startHi, startLo, status, durationNs } = columns
  return [
    hex(traceId.subarray(16 * row, 16 * row + 16)),
    hex(spanId.subarray(8 * row, 8 * row + 8)),
    hex(parentSpanId.subarray(8 * row, 8 * row + 8)),
    startHi[row],
    startLo[row],
    Math.max(-MAX_DURATION_NS, Math.min(MAX_DURATION_NS, durationNs[row]!)),
    status[row],
    columns.kind[row],
  ]
}

function withoutMembers(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const parts: Uint8Array[] = []
  for (let p = start; p < end;) {
    const next = fieldEnd(bytes, p, end)
    if (bytes[p] !== 0x12) parts.push(bytes.subarray(p, next))
    p = next
  }
  return Buffer.concat(parts)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function seal(input: Parameters<typeof encodeSection>[0]): { section: Section; bytes: Buffer } {
  const { parts, meta } = encodeSection(input)
  const bytes = Buffer.concat(parts)
  return {
    section: new Section(JSON.parse(JSON.stringify(meta)), (at, length) => bytes.subarray(at, at + length)),
    bytes,
  }
}

function spansOf(section: Section): Scanned[] {
  const rows = section.rows()
  return Array.from({ length: rows.count }, (_, row) => scan(section.spanBytes(rows, Uint32Array.of(row)))[0]!)
}

const keysOf = (spans: readonly Scanned[]): string[] => spans.map(({ key }) => key).toSorted()

it('gives back every byte of every span, and of what it is under', () => {
  fc.assert(
    fc.property(recipes, fc.boolean(), (recipe, whole) => {
      const sent = requestsOf(recipe)
      const { section } = seal({ requests: sent, whole })
      const wanted = sent.flatMap((request) => scan(request))
      expect(section.spans).toBe(wanted.length)
      const got = spansOf(section)
      expect(keysOf(got)).toEqual(keysOf(wanted))
      const rows = section.rows()
      const together = scan(
        section.spanBytes(
          rows,
          Uint32Array.from({ length: rows.count }, (_, i) => i),
        ),
      )
      expect(keysOf(together)).toEqual(keysOf(wanted))
    }),
    { numRuns: 30 },
  )
})

it('has the header columns of every span', () => {
  fc.assert(
    fc.property(recipes, (recipe) => {
      const sent = requestsOf(recipe)
      const { section } = seal({ requests: sent })
      const rows = section.rows()
      const headers = Array.from({ length: rows.count }, (_, row) => [
        hex(new Uint8Array(rows.traceIds.buffer, 16 * rows.trace[row]!, 16)),
        hex(new Uint8Array(rows.spanId.buffer, 8 * row, 8)),
        hex(new Uint8Array(rows.parentId.buffer, 8 * row, 8)),
        rows.startHi[row],
        rows.startLo[row],
        rows.durationNs[row],
        rows.status[row],
        rows.operations[rows.operation[row]!]!.kind,
      ])
      expect(headers).toEqual(spansOf(section).map(({ header }) => header))
    }),
    { numRuns: 40 },
  )
})

it('gives the rows and spans of each trace', () => {
  fc.assert(
    fc.property(recipes, (recipe) => {
      const sent = requestsOf(recipe)
      const { section } = seal({ requests: sent })
      const traces = Map.groupBy(
        sent.flatMap((request) => scan(request)),
        ({ header }) => header[0] as string,
      )
      for (const [id, spans] of traces) {
        const rows = section.traceRows(new Uint32Array(Uint8Array.from(Buffer.from(id, 'hex')).buffer))!
        expect(rows.count).toBe(spans.length)
        const got = scan(
          section.spanBytes(
            rows,
            Uint32Array.from({ length: rows.count }, (_, i) => i),
          ),
        )
        expect(keysOf(got)).toEqual(keysOf(spans))
      }
      expect(section.traceRows(Uint32Array.of(1, 2, 3, 4))).toBeUndefined()
    }),
    { numRuns: 30 },
  )
})

it('has what a look at all rows would find out of each trace', async () => {
  await fc.assert(
    fc.asyncProperty(recipes, async (recipe) => {
      const { section } = seal({ requests: requestsOf(recipe) })
      const expected = await extentsOf(section.rows(), new Turn(new StillClock(), 1000))
      const extents = section.extents()
      const { requestNs, isRequestLoose, ...known } = expected!
      for (const name of Object.keys(known) as (keyof typeof known)[]) expect(extents[name]).toEqual(known[name])
      for (const [i, ns] of requestNs.entries())
        if (extents.isRequestLoose[i]) expect(extents.requestNs[i]).toBeGreaterThanOrEqual(ns)
        else expect(extents.requestNs[i]).toBeLessThanOrEqual(ns)
      expect(isRequestLoose).not.toContain(1)
    }),
    { numRuns: 30 },
  )
})

const LEVELS: readonly Level[] = ['any', 'span', 'event', 'link', 'resource', 'scope']

function attributesOf({ span, resource, scope }: Scanned, attribute: string, level: Level): Value[] {
  const target = attributeTarget({ attribute, level })
  const values: Value[] = []
  if (target.span) collectValues(span, 0, span.length, target.span, target.key, values)
  if (target.resource) collectValues(resource, 0, resource.length, RESOURCE_PLACE, target.key, values)
  if (target.scope) collectValues(scope, 0, scope.length, SCOPE_PLACE, target.key, values)
  return values
}

/** By row the values of a target; undefined where they have to be read. */
function valuesOf(section: Section, target: Target): (Value[] | undefined)[] {
  const { columns, unread } = section.values(target)!
  const values: (Value[] | undefined)[] = Array.from({ length: section.spans }, () => [])
  for (const column of columns) {
    for (let row = 0; row < section.spans; row++) {
      const [from, to] = column.offsets ? [column.offsets[row]!, column.offsets[row + 1]!] : [row, row + 1]
      for (const code of column.codes.subarray(from, to)) if (code > 0) values[row]!.push(column.value(code - 1))
    }
  }
  for (const row of unread ?? []) values[row] = undefined
  return values
}

const texts = (values: readonly Value[]): string[] =>
  values.map((value) => `${typeof value} ${Object.is(value, -0) ? '-0' : String(value)}`).toSorted()

it('has the values of every attribute at every level, and of text fields', () => {
  fc.assert(
    fc.property(recipes, (recipe) => {
      const sent = requestsOf(recipe)
      const { section } = seal({ requests: sent })
      const spans = spansOf(section)
      for (const attribute of [...KEYS, 'service.name', 'absent']) {
        for (const level of LEVELS) {
          for (const [row, values] of valuesOf(section, { attribute, level }).entries()) {
            if (values) expect(texts(values)).toEqual(texts(attributesOf(spans[row]!, attribute, level)))
          }
        }
      }
      const fields = { statusMessage: [15, 2], traceState: [3], scopeName: [1, 1], scopeVersion: [1, 2] } as const
      for (const [field, path] of Object.entries(fields) as [keyof typeof fields, readonly number[]][]) {
        for (const [row, values] of valuesOf(section, { field }).entries()) {
          const { scope, span } = spans[row]!
          const bytes = field.startsWith('scope') ? scope : span
          if (values) expect(values[0] ?? '').toBe(textAt(bytes, 0, bytes.length, path))
        }
      }
    }),
    { numRuns: 30 },
  )
})

it('lets every attribute through its filter, and lists its key', () => {
  fc.assert(
    fc.property(recipes, (recipe) => {
      const sent = requestsOf(recipe)
      const { section } = seal({ requests: sent })
      const hashes = new HashSet(1 << 20)
      const visit = (bytes: Uint8Array, start: number, end: number): void =>
        hashAttribute(bytes, viewOf(bytes), start, end, hashes)
      for (const { span, resource, scope } of sent.flatMap((request) => scan(request))) {
        visitAttributes(span, 0, span.length, SPAN_PLACES.any, visit)
        visitAttributes(resource, 0, resource.length, RESOURCE_PLACE, visit)
        visitAttributes(scope, 0, scope.length, SCOPE_PLACE, visit)
      }
      for (const hash of hashes) expect(section.mayHaveAttribute(hash)).toBe(true)
    }),
    { numRuns: 30 },
  )
})

it('says that it is damaged, or gives what is right, whichever bytes are wrong', () => {
  fc.assert(
    fc.property(recipes, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (recipe, place, change, cut) => {
      const sent = requestsOf(recipe)
      const { parts, meta } = encodeSection({ requests: sent })
      const bytes = Buffer.concat(parts)
      const good = new Section(meta, (at, length) => bytes.subarray(at, at + length))
      const wanted = spansOf(good).map(({ key }) => key)
      const damaged = Buffer.from(bytes)
      const at = place % bytes.length
      damaged[at]! ^= change
      const read = cut ? bytes.subarray(0, at) : damaged
      const section = new Section(meta, (from, length) => read.subarray(from, from + length))
      try {
        expect(spansOf(section).map(({ key }) => key)).toEqual(wanted)
        expect(valuesOf(section, { attribute: 'k' }).map((values) => values && texts(values))).toEqual(
          valuesOf(good, { attribute: 'k' }).map((values) => values && texts(values)),
        )
      } catch (error) {
        if (!(error instanceof StorageError)) throw error
        expect(error.code).toBe('corrupt')
      }
    }),
    { numRuns: 30 },
  )
})
