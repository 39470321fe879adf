import { createRequire } from 'node:module'
import type * as Re2 from 're2js'

/*
 * Regular expressions over texts that anybody may have sent, written by anybody who may ask: RE2, whose time grows with the text and with
 * the pattern, and with nothing else. Patterns that are plain text, or pieces of text with anything in between (what wildcards become), need
 * no machine at all.
 */

let loaded: typeof Re2 | undefined

/** Read when the first is compiled, and not with each thread: most never see one. */
function re2(): typeof Re2 {
  return (loaded ??= createRequire(import.meta.url)('re2js') as typeof Re2)
}

/** Characters of a pattern that is more than pieces of text. */
const MAX_PATTERN = 4_096
/** Instructions of a compiled pattern. */
const MAX_PROGRAM = 10_000
/**
 * Instructions times characters, at most, of matching one text: about a second when nothing of it can be remembered, mostly some 10 ms. A
 * pattern of ordinary size, 25 instructions, gets 10 million characters.
 */
const MAX_STEPS = 2 ** 28
/** Characters from which the engine of the language may search for a text in time that grows with both lengths multiplied. */
const LONG_LITERAL = 256

/** A pattern that cannot be used. `index`: the character of the pattern at which it goes wrong. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
  readonly index: number
  constructor(message: string, index: number) {
    super(message)
    this.index = index
  }
}

export interface Pattern {
  /** Whether it is anywhere in the text. */
  test(text: string): boolean
  /** Steps that testing a text may take, about a nanosecond each. */
  steps(text: string): number
}

/** Whether matching may take so many steps; beyond it the text is left out. */
export function isTooMuch(steps: number): boolean {
  return steps > MAX_STEPS
}

/** Throws {@link PatternError} for what RE2 does not know. */
export function compilePattern(source: string): Pattern {
  return compilePieces(source) ?? compileRe2(source)
}

/** What is wrong with a regular expression, and at which of its characters; undefined when it can be used. */
export function regexProblem(source: string): { readonly message: string; readonly index: number } | undefined {
  try {
    compilePattern(source)
    return undefined
  } catch (error) {
    if (error instanceof PatternError) return { message: error.message, index: error.index }
    throw error
  }
}

const ANYTHING = String.raw`[\s\S]*`

/** Texts that follow each other with anything in between, perhaps from the start or up to the end; undefined for any other pattern. */
function compilePieces(source: string): Pattern | undefined {
  const fromStart = source.startsWith('^')
  const pieces = ['']
  let toEnd = false
  for (let at = fromStart ? 1 : 0; at < source.length;) {
    const character = source[at]!
    if (source.startsWith(ANYTHING, at)) {
      pieces.push('')
      at += ANYTHING.length
      // A question mark makes it lazy, a plus is an error.
      if (/^[*+?{]/.test(source.slice(at, at + 1))) return undefined
    } else if (character === '\\' && /^[\\^$.*+?()[\]{}|/-]$/.test(source[at + 1] ?? '')) {
      pieces.push(`${pieces.pop()}${source[at + 1]}`)
      at += 2
    } else if (character === '$' && at === source.length - 1) {
      toEnd = true
      at++
    } else if (/[\\^$.*+?()[\]{}|]/.test(character)) return undefined
    else {
      pieces.push(`${pieces.pop()}${character}`)
      at++
    }
    if (/^[*+?{]/.test(source.slice(at, at + 1))) return undefined
  }
  const length = pieces.reduce((sum, piece) => Math.max(sum, piece.length), 0)
  const factor = length < LONG_LITERAL ? 1 : length / 8
  return { test: matcherOf(pieces, fromStart, toEnd), steps: (text) => text.length * factor }
}

function matcherOf(pieces: readonly string[], fromStart: boolean, toEnd: boolean): (text: string) => boolean {
  const [only] = pieces as [string]
  if (pieces.length === 1) {
    if (fromStart && toEnd) return (text) => text === only
    if (fromStart) return (text) => text.startsWith(only)
    if (toEnd) return (text) => text.endsWith(only)
    return (text) => text.includes(only)
  }
  const first = fromStart ? only : ''
  const last = toEnd ? pieces.at(-1)! : ''
  const inner = pieces.slice(fromStart ? 1 : 0, toEnd ? -1 : pieces.length).filter((piece) => piece !== '')
  return (text) => {
    if (!text.startsWith(first) || !text.endsWith(last)) return false
    let at = first.length
    for (const piece of inner) {
      const found = text.indexOf(piece, at)
      if (found < 0) return false
      at = found + piece.length
    }
    return at <= text.length - last.length
  }
}

function compileRe2(source: string): Pattern {
  if (source.length > MAX_PATTERN) {
    throw new PatternError(`it has ${source.length} characters; at most ${MAX_PATTERN} are taken`, MAX_PATTERN)
  }
  const unsupported = findUnsupported(source)
  if (unsupported) throw unsupported
  const { RE2JS, RE2JSException } = re2()
  let compiled: Re2.RE2JS
  try {
    compiled = RE2JS.compile(source)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    throw problemOf(source, error)
  }
  const size = compiled.programSize()
  if (size > MAX_PROGRAM) {
    throw new PatternError(`it needs ${size} steps a character; at most ${MAX_PROGRAM} are taken: repeat less`, 0)
  }
  return { test: (text) => compiled.test(text), steps: (text) => text.length * size }
}

/** What other engines know and no engine can match in linear time. */
function findUnsupported(source: string): PatternError | undefined {
  for (const { at, inClass } of charactersOf(source)) {
    if (inClass) continue
    const rest = source.slice(at, at + 4)
    const look = /^\(\?(<?)[=!]/.exec(rest)
    if (look) {
      const where = look[1] === '<' ? 'behind' : 'ahead'
      return new PatternError(
        `"${look[0]}" looks ${where}, which cannot be matched in linear time; ask for it with a condition of its own`,
        at,
      )
    }
    const back = /^\\(?:[1-9]|k(?=[<{']))/.exec(rest)
    if (back) {
      return new PatternError(
        `"${back[0]}" refers back to a group, which cannot be matched in linear time; write out what it stands for`,
        at,
      )
    }
    if (rest.startsWith('(?>')) {
      return new PatternError('"(?>" is an atomic group; write "(?:", as nothing is tried twice anyway', at)
    }
  }
  return undefined
}

function problemOf(source: string, error: Re2.RE2JSException): PatternError {
  const { RE2JSSyntaxException } = re2()
  const description = error instanceof RE2JSSyntaxException ? error.getDescription() : error.message
  const part = (error instanceof RE2JSSyntaxException && error.getPattern()) || undefined
  const shown = part === undefined || part === source ? '' : `: "${part.length > 40 ? `${part.slice(0, 40)}…` : part}"`
  return new PatternError(`${description}${shown}`, locate(source, description, part))
}

function locate(source: string, description: string, part: string | undefined): number {
  const open: number[] = []
  let found = -1
  for (const { at, inClass } of charactersOf(source)) {
    const character = source[at]
    if (!inClass && character === '(') open.push(at)
    if (!inClass && character === ')' && open.pop() === undefined) return at
    // Of equal repetitions that are too many together it is the last.
    const again = description.startsWith('invalid repeat') && found >= 0
    if (part !== undefined && part !== source && (found < 0 || again) && source.startsWith(part, at)) found = at
  }
  if (description.startsWith('missing closing )')) return open.at(-1) ?? 0
  if (description.startsWith('trailing backslash')) return source.length - 1
  if (found < 0 && part !== undefined) found = source.indexOf(part)
  return Math.max(0, found)
}

/** The characters of a pattern, an escape being one, and whether they are in a class. */
function* charactersOf(source: string): Generator<{ readonly at: number; readonly inClass: boolean }> {
  let classStart = -1
  for (let at = 0; at < source.length; at++) {
    const inClass = classStart >= 0
    yield { at, inClass }
    if (source.startsWith(String.raw`\Q`, at) && !inClass) {
      const end = source.indexOf(String.raw`\E`, at + 2)
      at = end < 0 ? source.length : end + 1
    } else if (source[at] === '\\') at++
    else if (!inClass && source[at] === '[') {
      classStart = at
      // A bracket right at the start of a class is itself.
      if (source[at + 1] === '^') at++
      if (source[at + 1] === ']') at++
    } else if (inClass && source.startsWith('[:', at) && source.includes(':]', at)) at = source.indexOf(':]', at) + 1
    else if (inClass && source[at] === ']') classStart = -1
  }
}
