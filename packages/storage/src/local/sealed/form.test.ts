import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { attributes, hexId, requestOf, sent, T0, type SentSpan } from '../../conformance/spans.ts'
import { unpack } from './compression.ts'
import { encodeSection, type SectionInput } from './encode.ts'
import { Head } from './head.ts'

/** The same numbers in each run: 0 to `below` - 1. Numerical Recipes' generator. */
function createRandom(): (below: number) => number {
  let state = 20_261_130
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return (state >>> 8) % below
  }
}

const COUNT = 6000
const random = createRandom()
const words = ['cart', 'order', 'price', 'stock', 'mail']

/** One of them is large, and some have ids that are alike. */
function traceOf(i: number): string {
  if (i % 9 === 0) return hexId(0xfeed_0000_0000_0000_0000_0000_0000_0000n, 32)
  if (i % 4 === 0) return hexId(0xabcd_0000_0000_0000_0000_0000_0000_0000n + BigInt(random(300)), 32)
  return hexId(random(400) * 9_999_991, 8) + hexId(random(3), 24)
}

function spanOf(i: number): SentSpan {
  const traceId = traceOf(i)
  // In the large trace many start together.
  const at = random(i % 9 === 0 ? 300 : 5000)
  const name = `${words[random(5)]} ${random(4)}`
  const start = T0 + BigInt(at) * 1_000_000n + (i % 9 === 0 ? 0n : BigInt(random(1_000_000)))
  const lasts = i % 97 === 0 ? -5_000n : i % 101 === 0 ? 2n ** 62n : BigInt(random(40)) * 1_000_000n + BigInt(i % 3)
  return sent({
    trace: 0,
    // Some are there twice.
    id: 1 + (i % 50 === 0 ? i - (i % 7) : i),
    ...(random(5) > 0 && { parent: 1 + random(i + 20) }),
    service: `s${random(6)}`,
    name,
    kind: random(6),
    status: random(30) === 0 ? 2 : 0,
    scope: { name: words[random(2)]!, ...(i % 500 === 0 && { attributes: attributes({ scoped: true }) }) },
    attributes: attributes({
      'http.route': `/${name.replace(' ', '/')}/{id}`,
      'url.path': `/orders/${100_000 + random(90_000)}/items/${random(50)}`,
      'request.id': `${hexId(random(2 ** 24), 8)}-${hexId(random(2 ** 16), 4)}-4${hexId(random(4096), 3)}`,
      size: BigInt(random(3) === 0 ? -random(9) : random(1_000_000)),
      ok: random(9) > 0,
      ...(i % 3 === 0 && { score: random(1000) / 8, ratio: random(1 << 23) / 7 }),
      ...(i % 211 === 0 && { list: { type: 'array', value: [{ type: 'string', value: `v${random(20)}` }] } }),
      ...(i % 300 === 0 && { [`rare.${i}`]: 'once' }),
      ...(i % 400 === 0 && { text: 'x'.repeat(200) + random(3) }),
    }),
    span: {
      traceId,
      startTimeUnixNano: start,
      endTimeUnixNano: start + lasts,
      ...(i % 13 === 0 && {
        events: Array.from({ length: 1 + random(3) }, (_, k) => ({
          timeUnixNano: start + BigInt(k * 1000 + random(900)),
          name: k === 0 ? 'exception' : 'retry',
          attributes: attributes({ attempt: BigInt(k) }),
          droppedAttributesCount: 0,
        })),
      }),
      ...(i % 17 === 0 && {
        links: [
          {
            traceId: i % 2 === 0 ? traceId : hexId(random(2 ** 24), 32),
            spanId: hexId(random(2 ** 24), 16),
            traceState: '',
            flags: 0,
            attributes: [],
            droppedAttributesCount: 0,
          },
        ],
      }),
    },
  })
}

const spans = Array.from({ length: COUNT }, (_, i) => spanOf(i))
const requests = Array.from({ length: COUNT / 200 }, (_, i) => requestOf(spans.slice(200 * i, 200 * i + 200)))

/** Of all that a section holds, as it is before zstd, of which another release may write other bytes. */
function hashOf(input: SectionInput): string {
  const { parts, meta } = encodeSection(input)
  const bytes = Buffer.concat(parts)
  const at = (offset: number, length: number): Buffer => bytes.subarray(offset, offset + length)
  const head = new Head(unpack(at(meta.head.offset, meta.head.length), meta.head.raw))
  const hash = createHash('sha256')
  const say = (value: unknown): void => void hash.update(JSON.stringify(value))
  const { length: _length, head: _head, traceFilter: _filter, ...known } = meta
  say(known)
  for (const { rows, offset, length } of head.chunks) hash.update(JSON.stringify(rows)).update(at(offset, length))
  for (const { offset, length, raw, first } of head.pages)
    hash.update(String(first)).update(unpack(at(offset, length), raw))
  for (const { offset, length } of [head.traceFilter, ...head.attributeFilter]) hash.update(at(offset, length))
  for (let column = 0; column < head.columns.length; column++) {
    const { name, uses, ...rest } = head.column(column)
    say([Buffer.from(name).toString('hex'), Buffer.from(uses).toString('hex'), rest])
  }
  for (const { rows, templates } of head.levels) {
    say(rows)
    for (const template of templates)
      say(head.template(template).map(({ bytes: own, ...op }) => [op, Buffer.from(own).toString('hex')]))
  }
  say([[...head.operationOf], [...head.statusOf], head.operations, [...head.resourceOf], [...head.scopeOf]])
  say([head.otherKeys, head.lastIds.map((id) => [...id])])
  return hash.digest('hex')
}

/*
 * What is in files stays readable whatever an encoder writes, but what it costs to read was measured with these bytes. A change that was not meant to
 * change them must not; one that was puts the new hashes here, and says in the ADR what they cost.
 */
it('has the same bytes as ever', () => {
  expect({
    all: hashOf({ requests }),
    taken: hashOf({ requests, take: (row) => row % 3 === 1 }),
    whole: hashOf({ requests, whole: true }),
  }).toEqual({
    all: '3f428092364cfc5aa0e272a73f919d3c595b27c0cbe989308c49e453cddc694e',
    taken: 'da5970d96ca75a258fe47e78dd41481931c2250eb888fb03bcb03d7bdab514a2',
    whole: 'a25326a8216a5ed539935abe77df66a7b6d8010ee37e729eb08d82138c1b68ad',
  })
})
