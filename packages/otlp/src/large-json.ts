/**
 * JSON texts of many megabytes, read a piece at a time: the values of such a text take several times its length as objects, and
 * never need to be there all at once. One pass over the bytes finds where the members of large objects and the elements of
 * large arrays begin and end; what is between is handed to `JSON.parse` when it is asked for.
 */

/** What is no longer than this is parsed in one go. Bytes. */
const PIECE_BYTES = 64 * 1024
/** Objects and arrays in each other, beyond which a text is refused. */
const MAX_NESTING = 10_000

/** Parses a short text. Throws what `JSON.parse` throws. */
export type Parse = (text: string) => unknown

/** Neighbours that are parsed together: members or elements, with the commas between them. */
interface Run {
  readonly start: number
  readonly end: number
  readonly count: number
}

/** A member or element that is large itself. */
interface Child {
  /** Where the member's key is, with its quotes; nothing in an array. */
  readonly keyStart: number
  readonly keyEnd: number
  readonly value: LargeJson
}

/** An object or array that is too long to be parsed in one go. */
export class LargeJson {
  readonly isArray: boolean
  /** Elements, or members. */
  readonly count: number
  readonly #bytes: Uint8Array
  readonly #parts: readonly (Run | Child)[]
  readonly #parse: Parse

  constructor(bytes: Uint8Array, isArray: boolean, parts: readonly (Run | Child)[], parse: Parse) {
    this.isArray = isArray
    this.count = parts.reduce((sum, part) => sum + ('count' in part ? part.count : 1), 0)
    this.#bytes = bytes
    this.#parts = parts
    this.#parse = parse
  }

  /** The members with these keys; the last where one comes twice. The others are looked at, too: a text is JSON or it is not. */
  members(keys: ReadonlySet<string>): Record<string, unknown> {
    const found: Record<string, unknown> = {}
    const keep = (key: string, value: unknown): void => {
      if (keys.has(key)) found[key] = value
      else if (value instanceof LargeJson) value.check()
    }
    for (const part of this.#parts) {
      if ('count' in part) for (const [key, value] of Object.entries(this.#object(part))) keep(key, value)
      else keep(this.#parse(this.#text(part.keyStart, part.keyEnd)) as string, part.value)
    }
    return found
  }

  /** The elements, from the last to the first. */
  *elementsFromEnd(): Generator {
    for (let i = this.#parts.length - 1; i >= 0; i--) {
      const part = this.#parts[i]!
      if ('count' in part) yield* (this.#parse(`[${this.#text(part.start, part.end)}]`) as unknown[]).reverse()
      else yield part.value
    }
  }

  /** Throws when a part of it is not JSON. */
  check(): void {
    if (!this.isArray) this.members(new Set())
    else for (const element of this.elementsFromEnd()) if (element instanceof LargeJson) element.check()
  }

  #object({ start, end }: Run): object {
    return this.#parse(`{${this.#text(start, end)}}`) as object
  }

  #text(start: number, end: number): string {
    return decoder.decode(this.#bytes.subarray(start, end))
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** What is expected next. */
const VALUE = 0
const VALUE_OR_END = 1
const KEY = 2
const KEY_OR_END = 3
const COLON = 4
const COMMA_OR_END = 5

/** An object or array that is not closed yet. The same ones are used again and again, as nearly all turn out to be small. */
interface Open {
  isArray: boolean
  start: number
  /** The member or element that is read. */
  itemStart: number
  keyEnd: number
  /** The run that it may join; no run: a count of 0. */
  runStart: number
  runEnd: number
  runCount: number
  parts: (Run | Child)[]
}

/**
 * The value of a text. Objects and arrays of more than `pieceBytes` (default 64 KiB) are {@link LargeJson}, and what is wrong inside
 * of one may show only when it is read. Throws SyntaxError.
 */
export function readLargeJson(bytes: Uint8Array, parse: Parse, pieceBytes = PIECE_BYTES): unknown {
  const stack: Open[] = []
  let depth = 0
  let state: number = VALUE
  let root: unknown
  let p = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0

  const unexpected = (): SyntaxError =>
    new SyntaxError(
      p < bytes.length
        ? `unexpected ${JSON.stringify(String.fromCharCode(bytes[p]!))} at byte ${p}`
        : 'unexpected end of the text',
    )
  /** A key, or an element, begins here. */
  const begin = (): void => {
    const open = stack[depth - 1]
    if (open && (open.isArray || state >= KEY)) open.itemStart = p
  }
  /** The value from `start` to here is complete. `large`: it is one. */
  const complete = (start: number, large: LargeJson | undefined): void => {
    state = COMMA_OR_END
    const open = stack[depth - 1]
    if (!open) root = large ?? parse(decoder.decode(bytes.subarray(start, p)))
    else if (large) {
      endRun(open)
      open.parts.push({ keyStart: open.itemStart, keyEnd: open.isArray ? open.itemStart : open.keyEnd, value: large })
    } else {
      if (open.runCount === 0) open.runStart = open.itemStart
      open.runCount++
      open.runEnd = p
      if (p - open.runStart > pieceBytes) endRun(open)
    }
  }

  for (; p < bytes.length;) {
    const character = bytes[p]!
    switch (character) {
      case 0x20:
      case 0x0a:
      case 0x0d:
      case 0x09:
        p++
        break
      case 0x22: {
        if (state > KEY_OR_END) throw unexpected()
        begin()
        const start = p
        const end = stringEnd(bytes, p + 1)
        if (end < 0) throw new SyntaxError(`the string at byte ${p} does not end`)
        p = end
        if (state < KEY) complete(start, undefined)
        else {
          stack[depth - 1]!.keyEnd = end
          state = COLON
        }
        break
      }
      case 0x7b:
      case 0x5b: {
        if (state > VALUE_OR_END) throw unexpected()
        if (depth === MAX_NESTING) throw new SyntaxError(`nested deeper than ${MAX_NESTING}`)
        begin()
        const open = (stack[depth++] ??= createOpen())
        open.isArray = character === 0x5b
        open.start = p++
        open.runCount = 0
        state = open.isArray ? VALUE_OR_END : KEY_OR_END
        break
      }
      case 0x7d:
      case 0x5d: {
        const open = stack[depth - 1]
        const isEnd = state === COMMA_OR_END || state === VALUE_OR_END || state === KEY_OR_END
        if (!isEnd || open?.isArray !== (character === 0x5d)) throw unexpected()
        depth--
        p++
        complete(open.start, close(open, p))
        break
      }
      case 0x2c:
        if (state !== COMMA_OR_END || depth === 0) throw unexpected()
        state = stack[depth - 1]!.isArray ? VALUE : KEY
        p++
        break
      case 0x3a:
        if (state !== COLON) throw unexpected()
        state = VALUE
        p++
        break
      default: {
        if (state > VALUE_OR_END) throw unexpected()
        begin()
        const start = p
        while (p < bytes.length && !ENDS_SCALAR[bytes[p]!]) p++
        if (p === start) throw unexpected()
        complete(start, undefined)
      }
    }
  }
  if (depth > 0 || state !== COMMA_OR_END) throw unexpected()
  return root

  /** What is made of it: undefined where it is small, and is parsed with its neighbours. */
  function close(open: Open, end: number): LargeJson | undefined {
    if (end - open.start <= pieceBytes) return undefined
    endRun(open)
    const { isArray, parts } = open
    open.parts = []
    return new LargeJson(bytes, isArray, parts, parse)
  }
}

function createOpen(): Open {
  return { isArray: false, start: 0, itemStart: 0, keyEnd: 0, runStart: 0, runEnd: 0, runCount: 0, parts: [] }
}

function endRun(open: Open): void {
  const { runStart, runEnd, runCount } = open
  if (runCount > 0) open.parts.push({ start: runStart, end: runEnd, count: runCount })
  open.runCount = 0
}

/** Characters that a number, or a word, is followed by; and those that none begins with. */
const ENDS_SCALAR = new Uint8Array(256)
for (const character of ' \n\r\t,:]}{["') ENDS_SCALAR[character.charCodeAt(0)] = 1

/** Behind the quote that ends the string whose content begins at `p`; -1 where none does. */
function stringEnd(bytes: Uint8Array, p: number): number {
  for (; p < bytes.length; p++) {
    const character = bytes[p]
    if (character === 0x22) return p + 1
    if (character === 0x5c) p++
  }
  return -1
}
