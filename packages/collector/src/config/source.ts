/**
 * One or several YAML texts as one configuration: merged in their order, the references in it expanded, as plain values that remember where
 * each of them was written.
 */
import { parse } from 'yaml'
import { MAX_VALUES, readDocument, type ConfigText } from './document.ts'
import { Expander, ExpansionLimitError, type Expanded, type References } from './expand.ts'
import { MAX_DEPTH, refusalOf, TOO_DEEP } from './guard.ts'
import { isMapping, mergeValues, setKey } from './merge.ts'
import { Places, type Path, type Place } from './places.ts'

/** One thing that is wrong with a config, and where. */
export interface ConfigIssue {
  readonly path: Path
  readonly message: string
  readonly place: Place
}

export interface Source {
  /** Undefined when something is wrong with a text. */
  readonly value: unknown
  readonly issues: readonly ConfigIssue[]
  readonly warnings: readonly ConfigIssue[]
  /** An issue at the nearest place that was written: the path itself, or what holds it. */
  issueAt(path: Path, message: string): ConfigIssue
  /** What a value was before it was read as YAML, where it came whole from the environment: `0123` for 123. */
  originalAt(path: Path): string | undefined
  /** Whether a number that has no fraction was written as one that may have (`1.0`). */
  isDoubleAt(path: Path): boolean
}

/** Files that name files. */
const MAX_FILES_DEEP = 20
const NOWHERE: Place = { file: 'config', line: 1, column: 1 }

export function readSource(texts: readonly ConfigText[], from: References): Source {
  return new SourceReader(texts, from)
}

class SourceReader implements Source {
  readonly value: unknown
  readonly issues: ConfigIssue[] = []
  readonly warnings: ConfigIssue[] = []
  readonly #expander: Expander
  readonly #places = new Places()
  readonly #originals = new Map<string, string>()
  /** The documents that are being expanded, one named in the other. */
  readonly #open: string[] = []
  #values = 0
  /** A limit was reached: nothing more is expanded. */
  #isOver = false

  constructor(texts: readonly ConfigText[], from: References) {
    this.#expander = new Expander(from)
    const documents = texts.map((text) => this.#document(text, []))
    if (this.issues.length > 0) return
    // An empty file adds nothing; a null that stands for a section takes the section away.
    const merged = documents.reduce<unknown>((all, each) => (each === null ? all : mergeValues(all, each)), null)
    const value = this.#expand(merged, [])
    if (this.issues.length === 0) this.value = value
  }

  issueAt(path: Path, message: string): ConfigIssue {
    return { path, message, place: this.#places.nearest(path) ?? NOWHERE }
  }

  originalAt(path: Path): string | undefined {
    return this.#originals.get(JSON.stringify(path))
  }

  isDoubleAt(path: Path): boolean {
    const original = this.originalAt(path)
    return original === undefined ? this.#places.isDouble(path) : /[.e]/i.test(original)
  }

  #document(text: ConfigText, base: Path): unknown {
    const issue = (path: Path, message: string, place: Place) => this.issues.push({ path, message, place })
    const warning = (path: Path, message: string, place: Place) => this.warnings.push({ path, message, place })
    return readDocument(text, { base, places: this.#places, issue, warning })
  }

  #expand(value: unknown, path: Path): unknown {
    if (this.#isOver) return null
    if (path.length > MAX_DEPTH) return this.#stop(path.slice(0, MAX_DEPTH), TOO_DEEP)
    if (++this.#values > MAX_VALUES) return this.#stop(path, `the references in it make more than ${MAX_VALUES} values`)
    if (typeof value === 'string') return this.#expandText(value, path)
    if (Array.isArray(value)) return value.map((item, index) => this.#expand(item, [...path, index]))
    if (!isMapping(value)) return value
    const output: Record<string, unknown> = {}
    for (const [key, inner] of Object.entries(value)) setKey(output, key, this.#expand(inner, [...path, key]))
    return output
  }

  #expandText(text: string, path: Path): unknown {
    try {
      const expanded = this.#expander.expand(text, (message) => this.warnings.push(this.issueAt(path, message)))
      return expanded ? this.#valueOf(expanded, path) : text
    } catch (error) {
      if (error instanceof ExpansionLimitError) return this.#stop(path, error.message)
      this.issues.push(this.issueAt(path, (error as Error).message))
      return text
    }
  }

  #valueOf(expanded: Expanded, path: Path): unknown {
    switch (expanded.type) {
      case 'text':
        return expanded.text
      case 'unset':
        return null
      case 'value':
        this.#originals.set(JSON.stringify(path), expanded.text)
        return parsedOrText(expanded.text)
      default:
        return this.#expandDocument(expanded, path)
    }
  }

  /** What a file, or a YAML text on the spot, puts in the place of the reference. */
  #expandDocument({ uri, text }: Extract<Expanded, { type: 'document' }>, path: Path): unknown {
    if (this.#open.includes(uri)) throw new Error(`${[...this.#open, uri].join(' -> ')}: it names itself`)
    if (this.#open.length >= MAX_FILES_DEEP)
      throw new Error(`${uri}: more than ${MAX_FILES_DEEP} files name each other`)
    const before = this.issues.length
    const isFile = uri.startsWith('file:')
    const value = this.#document({ text, file: isFile ? uri.slice('file:'.length) : uri, isArgument: !isFile }, path)
    if (this.issues.length > before) return null
    if (typeof value !== 'object' || value === null)
      this.#originals.set(JSON.stringify(path), text.replace(/[\r\n]+$/, ''))
    this.#open.push(uri)
    const expanded = this.#expand(value, path)
    this.#open.pop()
    return expanded
  }

  /** Says what limit was reached, and where; nothing more is expanded. */
  #stop(path: Path, message: string): null {
    if (!this.#isOver) this.issues.push(this.issueAt(path, message))
    this.#isOver = true
    return null
  }
}

/** The value that a text from the environment stands for. Throws where it was made to hurt. */
function parsedOrText(text: string): unknown {
  const refusal = refusalOf(text)
  if (refusal) throw new Error(`the value from the environment is ${refusal.message}`)
  try {
    return parse(text) as unknown
  } catch {
    return text
  }
}
