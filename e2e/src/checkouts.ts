import type { Span } from '@spoor/otlp'
import type { RunningSpoor } from './spoor.ts'
import { ms, now, sendTraces, span, traces } from './traces.ts'

/** How many checkouts there are, one every two seconds back from now. */
export const requests = 160

export const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0')

/** Every eighth checkout goes to a region whose stock is slow, is asked three times, and has work after its answer. */
export const isSlow = (index: number) => index % 8 === 3
const text = (key: string, value: string) => ({ key, value: { type: 'string' as const, value } })

/** One checkout: shop, cart and stock, each a service of its own. Times in milliseconds from its start. */
function checkout(index: number): Map<string, Span[]> {
  const traceId = hex(index + 1, 32)
  const start = now - BigInt(index) * 2_000n * ms
  let next = index * 16
  const spanId = () => hex(++next, 16)
  const at = (from: number, to: number) => ({
    startTimeUnixNano: start + BigInt(Math.round(from * 1000)) * 1000n,
    endTimeUnixNano: start + BigInt(Math.round(to * 1000)) * 1000n,
  })
  const slow = isSlow(index)
  const each = slow ? 200 : 12 + (index % 5)
  const calls = slow ? 3 : 1
  const end = 40 + calls * each
  const root = span({
    traceId,
    spanId: spanId(),
    name: 'POST /checkout',
    kind: 2,
    ...at(0, end),
    attributes: [
      text('order.id', `ord-${1000 + index}`),
      text('region', slow ? 'eu-2' : `eu-${index % 3 === 0 ? 1 : 3}`),
    ],
    status: { code: index === 11 ? 2 : 0, message: '' },
  })
  const below = (name: string, from: number, to: number, parent = root.spanId, fields: Partial<Span> = {}) =>
    span({ traceId, spanId: spanId(), parentSpanId: parent, name, ...at(from, to), ...fields })
  const cart = below('GET cart', 5, 15)
  const failed = { status: { code: 2 as const, message: 'row is locked' } }
  const stock = Array.from({ length: calls }, (_, call) =>
    below(
      'SELECT stock',
      20 + call * each,
      20 + (call + 1) * each,
      root.spanId,
      index === 11 && call === 0 ? failed : {},
    ),
  )
  const mail = slow ? [below('send mail', end - 5, end + 900)] : []
  return new Map([
    ['shop', [root]],
    ['cart', [cart]],
    ['stock', stock],
    ['mail', mail],
  ])
}

/** Sends all of them. */
export async function sendCheckouts(spoor: RunningSpoor): Promise<void> {
  const all = Array.from({ length: requests }, (_, index) => checkout(index))
  for (const service of ['shop', 'cart', 'stock', 'mail']) {
    await sendTraces(
      spoor,
      traces(
        service,
        all.flatMap((spans) => spans.get(service)!),
      ),
    )
  }
}
