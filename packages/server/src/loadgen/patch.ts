import { createRandom } from './random.ts'
import { PASS_NS, type Request } from './corpus.ts'

/**
 * What makes the ids, times and orders of one pass over the corpus different from those of every other pass: all ids
 * are XORed with the pass's mask, so that they stay random and one id in a pass stays one id; times are moved by the
 * pass's place in time.
 */
export interface Pass {
  readonly number: number
  /** 16 bytes for trace ids; the first 8 for span ids too. */
  readonly mask: Uint8Array
  /** Nanoseconds since 1970 at which the pass starts. */
  readonly epochNs: bigint
  /** By what all times of the pass, counted from its start, are multiplied: 0.5 to 1. */
  readonly stretch: number
  /** By how much numbers of four digits are moved on, 0-9999. */
  readonly digits: number
}

/**
 * @param number from 0 on; values that are patched by it repeat after 65,536 passes
 * @param originNs when pass 0 starts, nanoseconds since 1970
 * @param stretched {@link Corpus.stretched}
 * @param seed other ids with another one; the ids of a corpus, a pass and a seed are always the same
 */
export function createPass(number: number, originNs: bigint, stretched = false, seed = 0): Pass {
  const random = createRandom(Math.imul(seed, 0x9e37_79b1) + 0x5f00 + number)
  return {
    number,
    mask: random.bytes(16),
    epochNs: originNs + BigInt(number) * BigInt(PASS_NS),
    stretch: stretched ? 0.5 + random.uint32() / 0x2_0000_0000 : 1,
    digits: random.below(10_000),
  }
}

/** The trace id of a corpus trace in a pass, 32 hex digits. */
export function traceIdIn(pass: Pass, traceId: Uint8Array): string {
  return Buffer.from(traceId.map((byte, i) => byte ^ (pass.mask[i] ?? 0))).toString('hex')
}

/**
 * Writes the request as it is in that pass to `target` from `at` on. Costs a copy and a few writes a span, so that
 * the load generator stays out of the way of what it loads.
 */
export function writePatched(request: Request, pass: Pass, target: Uint8Array, at: number): void {
  target.set(request.bytes, at)
  const view = new DataView(target.buffer, target.byteOffset + at, request.bytes.length)
  const mask = new DataView(pass.mask.buffer, pass.mask.byteOffset)
  const [m0, m1, m2, m3] = [mask.getUint32(0), mask.getUint32(4), mask.getUint32(8), mask.getUint32(12)]
  for (const offset of request.traceIds) {
    view.setUint32(offset, view.getUint32(offset) ^ m0)
    view.setUint32(offset + 4, view.getUint32(offset + 4) ^ m1)
    view.setUint32(offset + 8, view.getUint32(offset + 8) ^ m2)
    view.setUint32(offset + 12, view.getUint32(offset + 12) ^ m3)
  }
  for (const offset of request.spanIds) {
    view.setUint32(offset, view.getUint32(offset) ^ m0)
    view.setUint32(offset + 4, view.getUint32(offset + 4) ^ m1)
  }
  const shiftLo = Number(pass.epochNs & 0xffff_ffffn)
  const shiftHi = Number(pass.epochNs >> 32n)
  for (const offset of request.times) {
    const template = view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true)
    const moved = Math.round(template * pass.stretch) + shiftLo
    view.setUint32(offset, moved, true)
    view.setUint32(offset + 4, Math.floor(moved / 0x1_0000_0000) + shiftHi, true)
  }
  for (const offset of request.serials) {
    for (let i = 0; i < 4; i++) target[at + offset + i] = hexDigit((pass.number >> (12 - 4 * i)) & 15)
  }
  for (const offset of request.digits) moveDigits(target, at + offset, pass.digits)
}

/** Four decimal digits, moved on by `by`, beginning again at 0000 after 9999. */
function moveDigits(target: Uint8Array, at: number, by: number): void {
  let number = by
  for (let i = 0, weight = 1000; i < 4; i++, weight /= 10) number += ((target[at + i] ?? 48) - 48) * weight
  number %= 10_000
  for (let i = 3; i >= 0; i--) {
    target[at + i] = 48 + (number % 10)
    number = Math.floor(number / 10)
  }
}

const hexDigit = (value: number): number => (value < 10 ? 48 + value : 87 + value)
