import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { editItems, editRequest } from '../edit.ts'
import { encodeSpan } from '../encode.ts'
import { countItems } from '../count.ts'
import { requestsOf } from '../flat.test.helper.ts'
import type { AnyValue } from '../model.ts'
import { createRandom } from '../scramble.test.helper.ts'
import type { Attributes } from './attributes.ts'

const KEYS = ['', 'service.name', 'absent', 'service.mane', 'é'.repeat(70), 'x'.repeat(127), 'x'.repeat(128)]

/** What a question about the attributes of a message that nothing was asked of yet gives. */
function fresh<T>(bytes: Uint8Array, ask: (attributes: Attributes, index: number) => T): T[] {
  const answers: T[] = []
  editRequest('traces', bytes, { item: ({ attributes }) => void answers.push(ask(attributes, answers.length)) })
  return answers
}

test('the first questions about a message have the answers that all later ones have', () => {
  fc.assert(
    fc.property(requestsOf('TracesData'), fc.nat(), (bytes, seed) => {
      const all = fresh(bytes, (attributes) => attributes.toArray())
      const random = createRandom(seed)
      const keys = all.map((list) =>
        random(2) === 0 && list.length > 0 ? list[random(list.length)]!.key : KEYS[random(KEYS.length)]!,
      )
      const found = all.map((list, i) => list.find(({ key }) => key === keys[i])?.value)
      const textOf = (value: AnyValue | undefined) => (value?.type === 'string' ? value.value : undefined)
      expect(fresh(bytes, (attributes, i) => attributes.get(keys[i]!))).toEqual(found)
      expect(fresh(bytes, (attributes, i) => attributes.has(keys[i]!))).toEqual(
        found.map((value) => value !== undefined),
      )
      expect(fresh(bytes, (attributes, i) => attributes.text(keys[i]!))).toEqual(found.map(textOf))
      const asked = found.map(
        (value) => (random(3) === 0 ? 'service.name' : (textOf(value) ?? '')) + 'é'.repeat(random(2)),
      )
      const isText = found.map((value, i) => textOf(value) === asked[i])
      expect(fresh(bytes, (attributes, i) => attributes.isText(keys[i]!, asked[i]!))).toEqual(isText)
      // With what was asked before, and with all known.
      expect(
        fresh(bytes, (attributes, i) =>
          [attributes.get('a'), attributes.has('b'), attributes.isText(keys[i]!, asked[i]!)].at(-1),
        ),
      ).toEqual(isText)
    }),
    { numRuns: 300 },
  )
})

test.each(['', 'a', 'abc', 'é', 'aé', 'x'.repeat(127), 'x'.repeat(128)])('whether a value is %j', (value) => {
  const span = encodeSpan({
    traceId: '',
    spanId: '',
    traceState: '',
    parentSpanId: '',
    flags: 0,
    name: '',
    kind: 0,
    startTimeUnixNano: 0n,
    endTimeUnixNano: 0n,
    attributes: [{ key: 'k', value: { type: 'string', value } }],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
  })
  const field = (content: Uint8Array, tag: number): Uint8Array =>
    Uint8Array.from([tag, (content.length & 127) | 128, content.length >> 7, ...content])
  const bytes = [0x12, 0x12, 0x0a].reduce(field, span)
  for (const other of ['', 'a', 'abc', 'abd', 'é', 'aé', 'x'.repeat(127), 'x'.repeat(128)])
    expect(fresh(bytes, (attributes) => attributes.isText('k', other))).toEqual([other === value])
})

test('items are counted without another look at those that stay', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('traces' as const, 'logs' as const, 'metrics' as const),
      fc.nat(),
      fc.context(),
      fc.gen(),
      (signal, seed, _, generate) => {
        const type = { traces: 'TracesData', logs: 'LogsData', metrics: 'MetricsData' }[signal]
        const bytes = generate(() => requestsOf(type))
        const random = createRandom(seed)
        const share = random(4)
        const isDropped = (): boolean => random(6) < share
        const edited = editItems(signal, bytes, countItems(signal, bytes), {
          resource: (view) => seed % 2 === 0 && isDropped() && view.drop(),
          scope: (view) => seed % 3 === 0 && isDropped() && view.drop(),
          item: (view, scope) => (isDropped() ? view.drop() : seed % 5 === 0 && isDropped() && scope.drop()),
        })
        expect(edited.items).toBe(countItems(signal, edited.bytes))
      },
    ),
    { numRuns: 300 },
  )
})
