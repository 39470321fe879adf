import { createSpanColumns, scanSpans } from '@spoor/otlp'
import * as fc from 'fast-check'

/*
 * Requests as no encoder writes them, and many as all encoders do: every kind of value, fields in any order, several times, unknown ones, longer varints than need be,
 * malformed insides of attributes and events, which a scanner does not look into. What repeats does so often enough to be packed.
 */

type Bytes = readonly number[]
/** From 0 to `below` - 1. */
type Random = (below: number) => number

/** What {@link requestsOf} makes requests from; small, so that a test that fails can say it. */
export interface Recipe {
  readonly seed: number
  readonly requests: number
  /** In hundredths, how often something is odd. */
  readonly oddity: number
}

export const recipes: fc.Arbitrary<Recipe> = fc.record({
  seed: fc.integer(),
  requests: fc.integer({ min: 1, max: 4 }),
  oddity: fc.constantFrom(0, 1, 8),
})

/** Requests of a few spans, without those that no receiver would take. */
export function requestsOf({ seed, requests, oddity }: Recipe): Uint8Array[] {
  const make = new Maker(createRandom(seed), oddity)
  return Array.from({ length: requests }, () => Uint8Array.from(make.request())).filter(isTaken)
}

function isTaken(request: Uint8Array): boolean {
  try {
    scanSpans(request, createSpanColumns())
    return true
  } catch {
    return false
  }
}

/** Numbers that are the same for the same seed (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below)
  }
}

export const KEYS = ['http.route', 'k', '', 'order.id', 'long'.repeat(40), 'é']
const T0 = 1_735_689_600_000_000_000n

class Maker {
  readonly #random: Random
  readonly #oddity: number
  readonly #traces: Bytes[]

  /** `oddity`: in hundredths, how often something is odd. */
  constructor(random: Random, oddity: number) {
    this.#random = random
    this.#oddity = oddity
    this.#traces = Array.from({ length: 1 + random(6) }, () => this.#bytes(16))
  }

  request(): Bytes {
    return this.#message(
      this.#list(3, () => this.#field(0x0a, this.#resourceSpans())),
      [],
    )
  }

  #resourceSpans(): Bytes {
    const resource = this.#message(
      [
        ...this.#list(3, () => this.#field(0x0a, this.#attribute())),
        ...this.#maybe(() => this.#varint(0x10, BigInt(this.#random(9)))),
        ...this.#maybe(() => this.#field(0x0a, this.#keyValue('service.name', this.#string(`s${this.#random(3)}`)))),
      ],
      [0x18, 0x22],
    )
    return this.#message(
      [
        ...this.#maybe(() => this.#field(0x0a, resource)),
        ...this.#list(3, () => this.#field(0x12, this.#scopeSpans())),
        ...this.#maybe(() => this.#field(0x1a, text('schema'))),
      ],
      [0x20, 0x2a],
    )
  }

  #scopeSpans(): Bytes {
    const scope = this.#message(
      [
        ...this.#maybe(() => this.#field(0x0a, text('scope'))),
        ...this.#maybe(() => this.#field(0x12, text('1.0'))),
        ...this.#list(2, () => this.#field(0x1a, this.#attribute())),
      ],
      [0x28],
    )
    return this.#message(
      [...this.#maybe(() => this.#field(0x0a, scope)), ...this.#list(12, () => this.#field(0x12, this.#span()))],
      [0x20],
    )
  }

  #span(): Bytes {
    const start = T0 + BigInt(this.#random(1e9))
    const times = this.#isOdd() ? [this.#u64(), this.#u64()] : [start, start + BigInt(this.#random(5e6) * 1000)]
    const fields = [
      this.#field(0x0a, this.#isOdd() ? [] : this.#pick(this.#traces)),
      this.#field(0x12, this.#isOdd() ? [] : [0, 0, 0, 0, 0, 0, 0, this.#random(20)]),
      ...this.#maybe(() => this.#field(0x22, this.#isOdd() ? [] : [0, 0, 0, 0, 0, 0, 0, this.#random(25)])),
      ...this.#maybe(() => this.#field(0x1a, text(`a=${this.#random(3)}`)), 4),
      ...this.#maybe(() => this.#field(0x2a, this.#isOdd() ? this.#bytes(5) : text(`op ${this.#random(4)}`)), 9),
      ...this.#maybe(() => this.#varint(0x30, this.#isOdd() ? this.#u64() : BigInt(this.#random(6))), 9),
      ...this.#maybe(() => [0x39, ...fixed64(times[0]!)], 9),
      ...this.#maybe(() => [0x41, ...fixed64(times[1]!)], 9),
      ...this.#list(5, () => this.#field(0x4a, this.#attribute())),
      ...this.#maybe(() => this.#varint(0x50, BigInt(this.#random(300))), 3),
      ...this.#list(3, () => this.#field(0x5a, this.#event(start))),
      ...this.#list(2, () => this.#field(0x6a, this.#link())),
      ...this.#maybe(() => this.#field(0x7a, this.#status()), 5),
      ...this.#maybe(() => [0x85, 0x01, 1, this.#random(2), 0, 0], 5),
    ]
    return this.#message(fields, [0x88, 0x1a2])
  }

  #status(): Bytes {
    return this.#message(
      [
        ...this.#maybe(() =>
          this.#field(0x12, this.#isOdd() ? this.#bytes(4) : text(`failed after ${this.#random(500)} ms`)),
        ),
        ...this.#maybe(() => this.#varint(0x18, BigInt(this.#random(4)))),
      ],
      [],
    )
  }

  #event(start: bigint): Bytes {
    if (this.#isOdd()) return this.#bytes(this.#random(20))
    return this.#message(
      [
        ...this.#maybe(() => [0x09, ...fixed64(start + BigInt(this.#random(3000)) - 500n)], 9),
        ...this.#maybe(() => this.#field(0x12, text(`event ${this.#random(3)}`))),
        ...this.#list(2, () => this.#field(0x1a, this.#attribute())),
        ...this.#maybe(() => this.#varint(0x20, 3n), 2),
      ],
      [0x2a, 0x35],
    )
  }

  #link(): Bytes {
    return this.#message(
      [
        ...this.#maybe(() =>
          this.#field(0x0a, this.#random(2) ? this.#pick(this.#traces) : this.#bytes(this.#random(17))),
        ),
        ...this.#maybe(() => this.#field(0x12, this.#bytes(8))),
        ...this.#list(2, () => this.#field(0x22, this.#attribute())),
        ...this.#maybe(() => [0x35, 1, 0, 0, 0]),
      ],
      [0x38],
    )
  }

  #attribute(): Bytes {
    if (this.#isOdd()) return this.#bytes(this.#random(12))
    return this.#keyValue(this.#pick(KEYS), this.#any(3))
  }

  #keyValue(key: string, value: Bytes): Bytes {
    return this.#message([this.#field(0x0a, text(key)), this.#field(0x12, value)], [0x18, 0x22])
  }

  #any(depth: number): Bytes {
    const random = this.#random
    switch (random(depth > 0 ? 14 : 9)) {
      case 0:
        return this.#string(`/orders/${String(random(100_000)).padStart(6, '0')}`)
      case 1:
        return this.#string(`${hex(this.#bytes(4))}-${hex(this.#bytes(2))}-4abc-9def-${hex(this.#bytes(6))}`)
      case 2:
        return this.#varint(0x18, random(4) ? BigInt(random(50_000)) : this.#u64())
      case 3:
        return [0x21, ...fixed64(random(2) ? double(random(100) / 4) : this.#u64())]
      case 4:
        return this.#varint(0x10, BigInt(this.#isOdd() ? 2 : random(2)))
      case 5:
        return this.#field(0x3a, this.#bytes(random(20)))
      case 6:
        return this.#field(0x0a, this.#bytes(random(30)))
      case 7:
        return this.#string(
          this.#pick(['GET', 'POST', '', '200', '🦌 deer', 'x'.repeat(random(300)), 'word1234567890123456789 \0 7']),
        )
      case 8:
        return this.#isOdd() ? this.#bytes(random(9)) : []
      case 9:
        return this.#field(
          0x2a,
          this.#message(
            this.#list(3, () => this.#field(0x0a, this.#any(depth - 1))),
            [],
          ),
        )
      case 10:
        return this.#field(
          0x32,
          this.#message(
            this.#list(3, () => this.#field(0x0a, this.#keyValue('k', this.#any(depth - 1)))),
            [],
          ),
        )
      case 11:
        return [...this.#string('first'), ...this.#varint(0x18, 2n)]
      default:
        return this.#string(`user-${random(30)}`)
    }
  }

  #string(value: string): Bytes {
    return this.#field(0x0a, text(value))
  }

  /** Fields one after the other; oddly, in another order, some twice, some that nobody knows. `unknown`: tags of these. */
  #message(fields: readonly Bytes[], unknown: readonly number[]): Bytes {
    const all = [...fields]
    if (this.#isOdd() && all.length > 1) {
      const [a, b] = [this.#random(all.length), this.#random(all.length)]
      ;[all[a], all[b]] = [all[b]!, all[a]!]
    }
    if (this.#isOdd() && all.length > 0) all.push(this.#pick(all))
    if (this.#isOdd() && unknown.length > 0)
      all.splice(this.#random(all.length + 1), 0, this.#unknown(this.#pick(unknown)))
    return all.flat()
  }

  #unknown(tag: number): Bytes {
    const wire = tag & 7
    if (wire === 0) return [...this.#length(tag), ...this.#length(this.#random(1e9))]
    if (wire === 5) return [...this.#length(tag), ...this.#bytes(4)]
    return [...this.#length((tag & ~7) | 2), ...this.#length(3), ...this.#bytes(3)]
  }

  #field(tag: number, content: Bytes): Bytes {
    return [tag, ...this.#length(content.length), ...content]
  }

  #varint(tag: number, value: bigint): Bytes {
    const bytes = [tag]
    let rest = value
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
    bytes.push(Number(rest))
    return this.#isOdd() && bytes.length < 8 ? [...bytes.slice(0, -1), bytes.at(-1)! | 128, 0] : bytes
  }

  #length(value: number): Bytes {
    const bytes: number[] = []
    let rest = value
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
    return this.#isOdd() ? [...bytes, rest | 128, 128, 0] : [...bytes, rest]
  }

  #u64(): bigint {
    return BigInt(this.#random(2 ** 32)) * 2n ** 32n + BigInt(this.#random(2 ** 32))
  }

  #bytes(count: number): Bytes {
    return Array.from({ length: count }, () => this.#random(256))
  }

  #list<T>(max: number, make: () => T): T[] {
    return Array.from({ length: this.#random(max + 1) }, make)
  }

  /** In so many of ten. */
  #maybe<T>(make: () => T, often = 6): T[] {
    return this.#random(10) < often ? [make()] : []
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#random(values.length)]!
  }

  #isOdd(): boolean {
    return this.#random(100) < this.#oddity
  }
}

function text(value: string): Bytes {
  return [...Buffer.from(value)]
}

function hex(bytes: Bytes): string {
  return Buffer.from(bytes).toString('hex')
}

function fixed64(value: bigint): Bytes {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value))
  return [...bytes]
}

function double(value: number): bigint {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes.readBigUInt64LE()
}
