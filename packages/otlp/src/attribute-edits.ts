/**
 * Attributes that are set to the same value in every span or log record, or taken out of it: the bytes of an attribute are made once, and an item is
 * walked once and not indexed. What it does is what a visitor of {@link editRequest} does with {@link Attributes}.
 */
import { GROUP_TAG, ITEM_TAG, SCOPE_TAG } from './edit.ts'
import { encodeKeyValue } from './encode.ts'
import { joinBytes } from './join.ts'
import type { AnyValue } from './model.ts'
import { Patch } from './patch.ts'
import { utf8Bytes } from './text.ts'
import { lengthEnd, LENGTH, next, readTag, shortFieldEnd, skipField } from './wire.ts'
import { createWriter, finish, writeBytes } from './writer.ts'

/** One after the other: `insert` where the key is not there, `update` where it is, `upsert` in both cases, `delete` all that have the key. */
export type AttributeStep =
  | { readonly action: 'insert' | 'update' | 'upsert'; readonly key: string; readonly value: AnyValue }
  | { readonly action: 'delete'; readonly key: string }

/** The tag of an item's attributes. */
const ATTRIBUTES_TAG = { traces: 0x4a, logs: 0x32 } as const

/** What becomes of the first attribute that has a key; all others of a key that is taken out go as well. */
const KEEP = -1
const REMOVE = -2

/** Keys that a set of steps may be about: what is added is prepared for each combination of those that are there. */
const MAX_KEYS = 5
/** Of a key's bytes; longer ones have a length of two bytes. */
const MAX_KEY_BYTES = 127

/** What becomes of an attribute with a key. */
interface Fate {
  /** {@link KEEP}, {@link REMOVE}, or the bytes that replace it. */
  readonly own: typeof KEEP | typeof REMOVE | Uint8Array
  /** What is added behind all other fields; `step` is what its order goes by. */
  readonly added: { readonly step: number; readonly field: Uint8Array } | undefined
}

interface KeyPlan {
  readonly key: Uint8Array
  readonly there: Fate
  readonly absent: Fate
}

/** Thrown where an attribute is in a form in which it is not looked for here. */
const UNUSUAL = new Error('an attribute in another form')

const KEY_TAG = 0x0a
const VALUE_TAG = 0x12
const NOTHING = new Uint8Array(0)

export class AttributeEdits {
  readonly #tag: number
  readonly #keys: readonly Uint8Array[]
  /** 1 for each length that a key has. */
  readonly #lengths = new Uint8Array(MAX_KEY_BYTES + 1)
  /** What becomes of the attribute that has the key: {@link KEEP}, {@link REMOVE}, or the index of what replaces it. */
  readonly #fates: readonly number[]
  /** What is added to an item, by the bits of the keys that it has. */
  readonly #tails: readonly Uint8Array[]
  /** The tails, nothing, and what replaces attributes; with tag and length. */
  readonly #prepared: Uint8Array[]
  /** The bits of all keys. */
  readonly #all: number
  /** Whether nothing is left to be looked for once all keys were seen. */
  readonly #stopsEarly: boolean
  readonly #patch = new Patch()

  /** Undefined where there are more keys, or longer ones, than this is for. */
  static of(signal: 'traces' | 'logs', steps: readonly AttributeStep[]): AttributeEdits | undefined {
    const keys = new Set(steps.map(({ key }) => key))
    if (keys.size > MAX_KEYS) return undefined
    return [...keys].some((key) => utf8Bytes(key).length > MAX_KEY_BYTES)
      ? undefined
      : new AttributeEdits(signal, steps)
  }

  private constructor(signal: 'traces' | 'logs', steps: readonly AttributeStep[]) {
    this.#tag = ATTRIBUTES_TAG[signal]
    const plans = [...new Set(steps.map(({ key }) => key))].map((key): KeyPlan => {
      const fate = (isThere: boolean): Fate => fateOf(key, steps, isThere, this.#tag)
      return { key: utf8Bytes(key), there: fate(true), absent: fate(false) }
    })
    this.#keys = plans.map(({ key }) => key)
    for (const { length } of this.#keys) this.#lengths[length] = 1
    this.#all = 2 ** plans.length - 1
    this.#tails = Array.from({ length: 2 ** plans.length }, (_, there) => tailOf(plans, there))
    this.#prepared = [...this.#tails, NOTHING]
    this.#fates = plans.map(({ there: { own } }) => (typeof own === 'number' ? own : this.#prepared.push(own) - 1))
    this.#stopsEarly = !this.#fates.includes(REMOVE)
  }

  /** The request with the changes; `bytes` itself where there are none, undefined where it has to be changed by {@link editRequest}. Throws {@link OtlpError}. */
  apply(bytes: Uint8Array): Uint8Array | undefined {
    const patch = this.#patch
    patch.clear()
    try {
      this.#walk(bytes, 0, bytes.length, 0)
    } catch (error) {
      if (error === UNUSUAL) return undefined
      throw error
    }
    return patch.isEmpty ? bytes : patch.apply(bytes, this.#prepared)
  }

  /** The messages within a request (level 0), a resource's (1) or a scope's (2). */
  #walk(bytes: Uint8Array, start: number, end: number, level: number): void {
    const wanted = level === 0 ? GROUP_TAG : level === 1 ? SCOPE_TAG : ITEM_TAG
    const patch = this.#patch
    let p = start
    while (p < end) {
      const tag = readTag(bytes, p, end)
      const at = next >>> 0
      if (tag !== wanted) {
        p = skipField(bytes, at, end, tag, 0) >>> 0
        continue
      }
      const stop = lengthEnd(bytes, at, end) >>> 0
      const from = next >>> 0
      const before = patch.growth
      const place = patch.reserveLength(at, from)
      if (level === 2) this.#edit(bytes, from, stop)
      else this.#walk(bytes, from, stop, level + 1)
      if (!patch.release(place) && patch.growth !== before) patch.setLength(place, stop - from + patch.growth - before)
      p = stop
    }
  }

  #edit(bytes: Uint8Array, start: number, end: number): void {
    const wanted = this.#tag
    const lengths = this.#lengths
    let there = 0
    let p = start
    while (p < end) {
      const from = p
      const tag = bytes[from]!
      const length = from + 1 < end ? bytes[from + 1]! : 128
      let at = from + 2
      p = at + length
      if ((tag & 0x87) !== LENGTH || length > 127 || p > end) {
        if (tag !== wanted) {
          p = shortFieldEnd(bytes, from, end)
          if (p < 0) p = skipOther(bytes, from, end, wanted)
          continue
        }
        p = lengthEnd(bytes, from + 1, end) >>> 0
        at = next >>> 0
      }
      if (tag !== wanted) continue
      // Most are short, in the plain form, and of no interest, as no key is as long as theirs.
      const keyLength = bytes[at + 1]!
      const value = at + 2 + keyLength
      const isPlain =
        bytes[at] === KEY_TAG &&
        keyLength < 128 &&
        value + 1 < p &&
        bytes[value] === VALUE_TAG &&
        bytes[value + 1]! < 128 &&
        p === value + 2 + bytes[value + 1]!
      if (isPlain && lengths[keyLength] === 0) continue
      const key = this.#keyOf(bytes, at, p)
      if (key < 0) continue
      const isFirst = (there & (1 << key)) === 0
      there |= 1 << key
      const fate = this.#fates[key]!
      if (fate === REMOVE) this.#patch.replace(from, p, this.#tails.length, 0)
      else if (fate !== KEEP && isFirst) this.#replace(bytes, from, p, fate)
      if (there === this.#all && this.#stopsEarly) break
    }
    const { length } = this.#tails[there]!
    if (length > 0) this.#patch.replace(end, end, there, length)
  }

  /** Which key the `KeyValue` has: -1 for none of them. As every SDK writes it, the key comes first and the value behind it; either may be left out. */
  #keyOf(bytes: Uint8Array, start: number, end: number): number {
    const isEmpty = start === end || bytes[start] === VALUE_TAG
    const length = isEmpty ? 0 : start + 1 < end ? bytes[start + 1]! : 128
    const keyEnd = isEmpty ? start : start + 2 + length
    if ((!isEmpty && bytes[start] !== KEY_TAG) || length > 127 || keyEnd > end) throw UNUSUAL
    if (keyEnd < end) {
      if (bytes[keyEnd] !== VALUE_TAG) throw UNUSUAL
      const size = keyEnd + 1 < end ? bytes[keyEnd + 1]! : 128
      const valueEnd = size < 128 ? keyEnd + 2 + size : lengthEnd(bytes, keyEnd + 1, end)
      if (valueEnd !== end) throw UNUSUAL
    }
    if (this.#lengths[length] === 0) return -1
    const keys = this.#keys
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!
      if (key.length !== length) continue
      // Keys of one length often begin alike: from their ends they differ sooner.
      let at = length - 1
      while (at >= 0 && bytes[keyEnd - length + at] === key[at]) at--
      if (at < 0) return i
    }
    return -1
  }

  #replace(bytes: Uint8Array, start: number, end: number, index: number): void {
    const field = this.#prepared[index]!
    let isSame = field.length === end - start
    for (let i = 0; isSame && i < field.length; i++) isSame = field[i] === bytes[start + i]
    if (!isSame) this.#patch.replace(start, end, index, field.length)
  }
}

function skipOther(bytes: Uint8Array, p: number, end: number, wanted: number): number {
  const tag = readTag(bytes, p, end)
  // The tag as a longer varint than it needs to be.
  if (tag === wanted) throw UNUSUAL
  return skipField(bytes, next, end, tag, 0) >>> 0
}

/** What the steps make of one key, which do not touch each other's but for the order of what is added. */
function fateOf(key: string, steps: readonly AttributeStep[], isThere: boolean, tag: number): Fate {
  let own: Fate['own'] = KEEP
  let added: Fate['added']
  for (const [index, step] of steps.entries()) {
    if (step.key !== key) continue
    const isOwn = isThere && own !== REMOVE
    if (step.action === 'delete') {
      own = REMOVE
      added = undefined
      continue
    }
    const isThereNow = isOwn || added !== undefined
    if (step.action === 'insert' ? isThereNow : step.action === 'update' && !isThereNow) continue
    const field = fieldOf(tag, encodeKeyValue({ key, value: step.value }))
    if (isOwn) own = field
    else added = { step: added?.step ?? index, field }
  }
  return { own, added }
}

function fieldOf(tag: number, content: Uint8Array): Uint8Array {
  const writer = createWriter(content.length + 8)
  writeBytes(writer, tag, content)
  return finish(writer)
}

/** What is added to an item that has the keys of these bits, in the order of the steps. */
function tailOf(plans: readonly KeyPlan[], there: number): Uint8Array {
  const added = plans.flatMap((plan, key) => ((there >> key) & 1 ? plan.there : plan.absent).added ?? [])
  return joinBytes(added.sort((a, b) => a.step - b.step).map(({ field }) => field))
}
