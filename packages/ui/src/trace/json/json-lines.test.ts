import { encodeTraces, type Span, tracesToJson } from '@spoor/otlp'
import { expect, it } from 'vitest'
import { jsonLines } from './json-lines.ts'

const span = (number: number): Span => ({
  traceId: '1'.padStart(32, '0'),
  spanId: String(number).padStart(16, '0'),
  traceState: '',
  parentSpanId: '',
  flags: 0,
  name: `a\n"${number}"`,
  kind: 1,
  startTimeUnixNano: 1n,
  endTimeUnixNano: 2n,
  attributes: [],
  droppedAttributesCount: 0,
  events: [],
  droppedEventsCount: 0,
  links: [],
  droppedLinksCount: 0,
  status: { code: 0, message: '' },
})
const scope = { name: 'lib', version: '', attributes: [], droppedAttributesCount: 0 }
const resource = { attributes: [], droppedAttributesCount: 0 }
const bytesOf = (...spans: Span[][]) =>
  encodeTraces({
    resourceSpans: spans.map((spans) => ({ resource, schemaUrl: '', scopeSpans: [{ scope, schemaUrl: '', spans }] })),
  })

it.each([
  ['a resource', bytesOf([span(1), span(2)])],
  ['several resources', bytesOf([span(1)], [span(2), span(3)], [span(4)])],
])('lays out %s as one text would be', async (_, bytes) => {
  const { lines, lineCount, pieces } = jsonLines(bytes, 1000, () => {})
  const whole = await new Blob([...pieces]).text()
  expect(lines).toEqual(whole.split('\n'))
  expect(lineCount).toBe(lines.length)
  expect(whole).toBe(JSON.stringify(JSON.parse(tracesToJson(bytes)), null, 2))
})

it('does so part by part, and has the first lines of it', async () => {
  const bytes = bytesOf([span(1), span(2), span(3), span(4)])
  const all = jsonLines(bytes, 1000, () => {}, 1)
  const whole = await new Blob([...all.pieces]).text()
  expect(all.lines).toEqual(whole.split('\n'))
  expect((JSON.parse(whole) as { resourceSpans: unknown[] }).resourceSpans).toHaveLength(4)
  for (const most of [1, 2, 3, 14, all.lineCount - 1]) {
    const { lines, lineCount } = jsonLines(bytes, most, () => {}, 1)
    expect([lines.length, lineCount]).toEqual([most, all.lineCount])
    expect(lines.slice(0, -1)).toEqual(all.lines.slice(0, most - 1))
  }
})
