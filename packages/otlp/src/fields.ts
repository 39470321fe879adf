/**
 * Where the fields of a message are: the one walk over a message's fields that is not on a path where each nanosecond
 * counts (`scan.ts` and `count.ts` have their own loops, which is where their speed comes from).
 */
import type { MessageType } from './schema.ts'
import { doubled } from './doubled.ts'
import { LENGTH, next, readTag, skipField } from './wire.ts'

const validTags = new Map<MessageType, Uint8Array>()

/** 1 for each tag that a known field of the message may have; none of them is above 255. */
function validTagsOf(type: MessageType): Uint8Array {
  let tags = validTags.get(type)
  if (!tags) {
    tags = new Uint8Array(256)
    for (const field of type.fields) {
      tags[(field.number << 3) | field.wireType] = 1
      if (field.repeated) tags[(field.number << 3) | LENGTH] = 1
    }
    validTags.set(type, tags)
  }
  return tags
}

/** The fields of one message, in the order of the bytes. Reused for one message after the other. */
export class Fields {
  count = 0
  tag = new Int32Array(32)
  /** The first byte of the tag. */
  from = new Int32Array(32)
  /** The first byte of the value; of a length-delimited one, of its content. */
  start = new Int32Array(32)
  end = new Int32Array(32)
  readonly #valid: Uint8Array
  readonly #known: number

  constructor(type: MessageType) {
    this.#valid = validTagsOf(type)
    this.#known = type.known
  }

  /** Adds those in `[p, end)`. Throws {@link OtlpError} where that is not a message of the type. */
  read(bytes: Uint8Array, p: number, end: number): void {
    const valid = this.#valid
    let { tag: tags, from: froms, start: starts, end: ends, count } = this
    while (p < end) {
      const from = p
      let tag = bytes[p]!
      if (tag < 128) p++
      else {
        tag = readTag(bytes, p, end) >>> 0
        p = next >>> 0
      }
      const isValid = tag < 256 && valid[tag] === 1
      let start = p
      const length = p < end ? bytes[p]! : 128
      if (isValid && (tag & 7) === LENGTH && length < 128 && p + 1 + length <= end) {
        start = p + 1
        p = start + length
      } else {
        p = skipField(bytes, p, end, tag, isValid ? 0 : this.#known) >>> 0
        if ((tag & 7) === LENGTH) start = next >>> 0
      }
      if (count === tags.length) {
        this.#grow()
        ;({ tag: tags, from: froms, start: starts, end: ends } = this)
      }
      tags[count] = tag
      froms[count] = from
      starts[count] = start
      ends[count] = p
      count++
    }
    this.count = count
  }

  /** A field with this tag that is not in the bytes; returns its index. */
  add(tag: number): number {
    const index = this.count++
    if (index === this.tag.length) this.#grow()
    this.tag[index] = tag
    this.from[index] = this.start[index] = this.end[index] = 0
    return index
  }

  #grow(): void {
    this.tag = doubled(this.tag)
    this.from = doubled(this.from)
    this.start = doubled(this.start)
    this.end = doubled(this.end)
  }
}
