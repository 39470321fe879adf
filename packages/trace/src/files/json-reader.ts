import { joinBytes } from '@spoor/otlp'
import { InputProblem, type Place } from './place.ts'

/** The most bytes that one taken value may have. */
const MAX_VALUE_BYTES = 64 << 20
/** The deepest nesting that is entered; a value that is taken may be nested deeper. */
const MAX_DEPTH = 64

/** What becomes of a value. One of a kind that there is nothing for is a problem; null is stepped over. */
export interface Member {
  readonly object?: JsonContainer
  readonly array?: JsonContainer
  /** Gets the text of the whole value, whatever its kind. */
  readonly take?: (text: string, place: Place) => void
}

/** Hears of what is in an object or array while it is read. */
export interface JsonContainer {
  /** `key`: of an object's member; '' for an element of an array. Undefined: it is stepped over. */
  member(key: string, place: Place): Member | undefined
  /** The object or array has been read. */
  end?(): void
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const LINE_FEED = 0x0a
/** With which `null` begins. */
const NULL = 0x6e

/** What may come next. `first`: the closing bracket too; `next`: a comma or the closing bracket. */
type Expected = 'value' | 'first' | 'key' | 'first key' | 'colon' | 'next'

interface Frame {
  readonly container: JsonContainer
  readonly isObject: boolean
}

/** A text that ends where the next line begins. */
class CutLine extends InputProblem {}

/** A value that is being stepped over or taken. */
interface Scan {
  readonly take: Member['take']
  readonly place: Place
  readonly parts: Uint8Array[]
  bytes: number
  depth: number
  inString: boolean
  escaped: boolean
  /** A number, true, false or null: it ends where something else begins. */
  readonly isBare: boolean
}

/**
 * Reads JSON texts that come in pieces, one after the other, without holding them: `root` says which values are entered, taken as text or stepped over.
 * So a file of any size is read with the memory of the largest value that is taken.
 *
 * Checked is what is entered: brackets, commas, colons and keys. What is taken is the taker's to parse; what is stepped over has only its
 * brackets and quotes looked at.
 */
export class JsonReader {
  readonly #root: (place: Place) => Member
  readonly #onProblem: (problem: InputProblem) => void
  readonly #stack: Frame[] = []
  #expected: Expected = 'value'
  #scan: Scan | undefined
  #key = ''
  #stopped = false
  /** What comes before the next line is not looked at. */
  #skipping = false
  /** Bytes before the piece that is at hand, and how far that is read. */
  #base = 0
  #at = 0
  #line = 1
  #lineStart = 0
  /** Where the text that is being read began. */
  #began: Place = { offset: 0, line: 1, column: 1 }

  /**
   * `root`: what becomes of each text; called where it begins. `onProblem` hears of what is not JSON. After it the next line is read on, where each
   * line is a text of its own; else nothing more.
   */
  constructor(root: (place: Place) => Member, onProblem: (problem: InputProblem) => void) {
    this.#root = root
    this.#onProblem = onProblem
  }

  /** Nothing more is read, as it cannot be known where the next text begins. */
  get stopped(): boolean {
    return this.#stopped
  }

  write(bytes: Uint8Array): void {
    this.#at = 0
    while (this.#at < bytes.length && !this.#stopped) {
      try {
        this.#read(bytes)
      } catch (error) {
        if (!(error instanceof InputProblem)) throw error
        this.#give(error)
      }
    }
    this.#base += bytes.length
    this.#at = 0
  }

  /** Nothing more comes. */
  end(): void {
    if (this.#stopped) return
    if (this.#scan?.isBare && this.#stack.length === 0) this.#finishScan(0, new Uint8Array(), 0)
    if (this.#stack.length === 0 && !this.#scan) return
    const message = `it ends in the middle of what began in line ${this.#began.line}; it may have been cut off`
    this.#onProblem(this.#problem(0, message))
  }

  #give(problem: InputProblem): void {
    this.#onProblem(problem)
    const { line, column } = this.#began
    const isLine = column === 1 && line === this.#line
    this.#stopped = !isLine && !(problem instanceof CutLine)
    this.#skipping = isLine
    this.#stack.length = 0
    this.#scan = undefined
    this.#expected = 'value'
  }

  #read(bytes: Uint8Array): void {
    if (this.#skipping) {
      const feed = bytes.indexOf(LINE_FEED, this.#at)
      this.#at = feed < 0 ? bytes.length : feed + 1
      if (feed < 0) return
      this.#skipping = false
      this.#feed(feed)
    }
    while (this.#at < bytes.length) {
      const i = this.#at
      const c = bytes[i]!
      if (this.#scan) this.#at = this.#scanOn(bytes, i)
      else if (c === LINE_FEED || c === 0x20 || c === 0x0d || c === 0x09) {
        this.#at++
        if (c === LINE_FEED) this.#feed(i)
      } else {
        this.#checkCut(bytes, i, c)
        this.#at = this.#token(i, c)
      }
    }
  }

  /** Where each line is a text of its own, one that was cut off does not take the next with it. */
  #checkCut(bytes: Uint8Array, i: number, c: number): void {
    if (c !== OPEN_BRACE || this.#base + i !== this.#lineStart || bytes[i + 1] !== QUOTE) return
    if (this.#began.column !== 1 || (this.#stack.length === 0 && !this.#scan)) return
    this.#at = i
    throw new CutLine(this.#began, 'not JSON: the line is cut off')
  }

  /** Looks at the byte at `i`, with which something begins or ends, and returns where to go on. */
  #token(i: number, c: number): number {
    const frame = this.#stack.at(-1)
    switch (this.#expected) {
      case 'colon':
        if (c !== COLON) throw this.#unexpected(i, c, 'a colon')
        this.#expected = 'value'
        return i + 1
      case 'next':
        if (c === COMMA) {
          this.#expected = frame!.isObject ? 'key' : 'value'
          return i + 1
        }
        return this.#close(frame!, i, c, 'a comma or the end')
      case 'key':
      case 'first key':
        if (c === QUOTE) {
          this.#begin(i, c, (text, place) => (this.#key = keyOf(text, place)))
          return i
        }
        if (this.#expected === 'key') throw this.#unexpected(i, c, 'a key')
        return this.#close(frame!, i, c, 'a key or the end')
      default: {
        const isEmpty = this.#expected === 'first' && c === CLOSE_BRACKET
        return isEmpty ? this.#close(frame!, i, c, '') : this.#value(i, c, frame)
      }
    }
  }

  #value(i: number, c: number, frame: Frame | undefined): number {
    if (c === COMMA || c === COLON || c === CLOSE_BRACE || c === CLOSE_BRACKET) throw this.#unexpected(i, c, 'a value')
    const place = this.#placeOf(i)
    if (!frame) this.#began = place
    const member = frame ? frame.container.member(frame.isObject ? this.#key : '', place) : this.#root(place)
    const container = c === OPEN_BRACE ? member?.object : c === OPEN_BRACKET ? member?.array : undefined
    if (!container) {
      if (member && !member.take && c !== NULL) throw this.#unexpected(i, c, member.object ? 'an object' : 'an array')
      this.#begin(i, c, member?.take)
      return i
    }
    if (this.#stack.length >= MAX_DEPTH) throw this.#problem(i, `nested deeper than ${MAX_DEPTH} levels`)
    this.#stack.push({ container, isObject: c === OPEN_BRACE })
    this.#expected = c === OPEN_BRACE ? 'first key' : 'first'
    return i + 1
  }

  #close({ container, isObject }: Frame, i: number, c: number, wanted: string): number {
    if (c !== (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) throw this.#unexpected(i, c, wanted)
    this.#stack.pop()
    container.end?.()
    this.#expected = this.#stack.length > 0 ? 'next' : 'value'
    return i + 1
  }

  #begin(i: number, c: number, take: Member['take']): void {
    const isBare = c !== QUOTE && c !== OPEN_BRACE && c !== OPEN_BRACKET
    if (isBare && !/[-\dtfn]/.test(String.fromCharCode(c))) throw this.#unexpected(i, c, 'a value')
    const place = this.#placeOf(i)
    this.#scan = { take, place, parts: [], bytes: 0, depth: 0, inString: false, escaped: false, isBare }
  }

  /** Goes through the value that is stepped over or taken, to its end or that of the piece. */
  #scanOn(bytes: Uint8Array, from: number): number {
    const scan = this.#scan!
    let { depth, inString, escaped } = scan
    let i = from
    for (; i < bytes.length; i++) {
      const c = bytes[i]!
      if (scan.isBare) {
        if (c === COMMA || c === CLOSE_BRACE || c === CLOSE_BRACKET || c <= 0x20)
          return this.#finishScan(from, bytes, i)
      } else if (c === LINE_FEED) {
        if (inString) {
          this.#at = i
          throw this.#problem(i, 'not JSON: the line ends within a text')
        }
        this.#feed(i)
      } else if (inString) {
        if (escaped) escaped = false
        else if (c === BACKSLASH) escaped = true
        else if (c === QUOTE) {
          inString = false
          if (depth === 0) return this.#finishScan(from, bytes, i + 1)
        }
      } else if (c === QUOTE) inString = true
      else if (c === OPEN_BRACE || c === OPEN_BRACKET) {
        if (depth > 0) this.#checkCut(bytes, i, c)
        depth++
      } else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) {
        depth--
        if (depth === 0) return this.#finishScan(from, bytes, i + 1)
      }
    }
    Object.assign(scan, { depth, inString, escaped })
    this.#hold(scan, bytes.subarray(from))
    return i
  }

  #finishScan(from: number, bytes: Uint8Array, end: number): number {
    const scan = this.#scan!
    this.#hold(scan, bytes.subarray(from, end))
    this.#scan = undefined
    const isKey = this.#expected === 'key' || this.#expected === 'first key'
    if (isKey) this.#expected = 'colon'
    else this.#expected = this.#stack.length > 0 ? 'next' : 'value'
    if (!scan.take) return end
    const text = decoder.decode(joinBytes(scan.parts))
    scan.take(text, scan.place)
    return end
  }

  #hold(scan: Scan, bytes: Uint8Array): void {
    if (!scan.take) return
    scan.bytes += bytes.length
    if (scan.bytes > MAX_VALUE_BYTES) {
      throw new InputProblem(
        scan.place,
        `a single value has more than ${MAX_VALUE_BYTES >> 20} MiB; write the file in smaller pieces`,
      )
    }
    scan.parts.push(bytes)
  }

  #feed(i: number): void {
    this.#line++
    this.#lineStart = this.#base + i + 1
  }

  #placeOf(i: number): Place {
    const offset = this.#base + i
    return { offset, line: this.#line, column: offset - this.#lineStart + 1 }
  }

  #problem(i: number, message: string): InputProblem {
    return new InputProblem(this.#placeOf(i), message)
  }

  #unexpected(i: number, c: number, wanted: string): InputProblem {
    const found = c > 0x20 && c < 0x7f ? `"${String.fromCharCode(c)}"` : `byte 0x${c.toString(16).padStart(2, '0')}`
    return this.#problem(i, `not JSON: ${found} where ${wanted} should be`)
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function keyOf(text: string, place: Place): string {
  try {
    return JSON.parse(text) as string
  } catch (error) {
    throw new InputProblem(place, `not JSON: ${(error as Error).message}`, { cause: error })
  }
}
