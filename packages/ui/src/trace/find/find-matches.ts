import type { AnyValue, KeyValue } from '@spoor/otlp'
import { type SpanDetail, spanOf, type Trace } from '@spoor/trace'

/** Marks rows whose operation or service has the text in it, by the string tables alone. `needle` is lower case. */
export function matchNames(trace: Trace, needle: string): Uint8Array {
  const names = trace.names.map((name) => name.toLowerCase().includes(needle))
  const services = trace.services.map((service) => service.toLowerCase().includes(needle))
  const matches = new Uint8Array(trace.size)
  for (let row = 0; row < trace.size; row++) {
    if (names[trace.name[row]!] || services[trace.service[row]!]) matches[row] = 1
  }
  return matches
}

/** Marks the rows of `[from, to)` that have the text elsewhere: span id, status message, attributes, events, links. Decodes each span. */
export function matchDetails(trace: Trace, needle: string, matches: Uint8Array, from: number, to: number): void {
  for (let row = from; row < to; row++) {
    if (!matches[row] && detailHas(spanOf(trace, row), needle)) matches[row] = 1
  }
}

function detailHas({ span, resource, scope }: SpanDetail, needle: string): boolean {
  const has = (text: string) => text.toLowerCase().includes(needle)
  return (
    span.spanId === needle ||
    has(span.status.message) ||
    has(scope.name) ||
    attributesHave(span.attributes, has) ||
    attributesHave(resource.attributes, has) ||
    span.events.some((event) => has(event.name) || attributesHave(event.attributes, has)) ||
    span.links.some((link) => link.traceId === needle || link.spanId === needle || attributesHave(link.attributes, has))
  )
}

/** A key, a value, or `key=value`. */
function attributesHave(attributes: readonly KeyValue[], has: (text: string) => boolean): boolean {
  return attributes.some(({ key, value }) => has(`${key}=${plainText(value)}`))
}

/** A value as a person would type it. Bytes have no text. */
export function plainText(value: AnyValue): string {
  switch (value.type) {
    case 'string':
      return value.value
    case 'bool':
    case 'int':
    case 'double':
      return String(value.value)
    case 'array':
      return value.value.map(plainText).join(', ')
    case 'map':
      return value.value.map((entry) => `${entry.key}=${plainText(entry.value)}`).join(', ')
    default:
      return ''
  }
}

/** The next marked row after `row` in the direction, round the end; -1 without any. */
export function nextMatch(matches: Uint8Array, row: number, direction: 1 | -1): number {
  const size = matches.length
  let at = row < 0 && direction < 0 ? 0 : row
  for (let step = 0; step < size; step++) {
    at = (at + direction + size) % size
    if (matches[at]) return at
  }
  return -1
}

/** How many are marked, and the place of `row` among them (1 for the first; 0 when it is not one of them). */
export function countMatches(matches: Uint8Array, row: number): { total: number; place: number } {
  let total = 0
  let place = 0
  for (let index = 0; index < matches.length; index++) {
    if (!matches[index]) continue
    total++
    if (index === row) place = total
  }
  return { total, place }
}
