/**
 * A YAML text as plain values that remember where each of them was written, with the references to the environment
 * expanded.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parse,
  parseDocument,
  type Document,
  type Node,
  type Pair,
} from 'yaml'
import { expand, type Environment } from './expand.ts'

export type Path = readonly (string | number)[]

/** One thing that is wrong with a config, and where. Lines and columns count from 1. */
export interface ConfigIssue {
  readonly path: Path
  readonly message: string
  readonly line: number
  readonly column: number
}

export interface Source {
  readonly value: unknown
  readonly issues: readonly ConfigIssue[]
  readonly warnings: readonly ConfigIssue[]
  /** An issue at the nearest place that was written: the path itself, or what holds it. */
  issueAt(path: Path, message: string): ConfigIssue
  /** What a value was before it was read as YAML, where it came whole from the environment: `0123` for 123. */
  originalAt(path: Path): string | undefined
}

/** Deeper than any config; an alias of something that holds it would go on for ever. */
const MAX_DEPTH = 64

export function readSource(text: string, env: Environment): Source {
  return new SourceReader(text, env)
}

class SourceReader implements Source {
  readonly value: unknown
  readonly issues: ConfigIssue[] = []
  readonly warnings: ConfigIssue[] = []
  readonly #env: Environment
  readonly #lines = new LineCounter()
  readonly #document: Document
  /** Offsets of keys and items in the text, by path. */
  readonly #offsets = new Map<string, number>()
  readonly #originals = new Map<string, string>()

  constructor(text: string, env: Environment) {
    this.#env = env
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, version: '1.2', merge: true })
    // The first one only: those that follow are mostly echoes of it.
    const [error] = this.#document.errors
    if (error) {
      const { line, col } = this.#lines.linePos(error.pos[0])
      this.issues.push({ path: [], message: error.message, line, column: col })
    }
    this.value = this.issues.length === 0 ? this.#read(this.#document.contents, []) : undefined
  }

  issueAt(path: Path, message: string): ConfigIssue {
    for (let length = path.length; length > 0; length--) {
      const offset = this.#offsets.get(keyOf(path.slice(0, length)))
      if (offset === undefined) continue
      const { line, col } = this.#lines.linePos(offset)
      return { path, message, line, column: col }
    }
    return { path, message, line: 1, column: 1 }
  }

  originalAt(path: Path): string | undefined {
    return this.#originals.get(keyOf(path))
  }

  #read(node: unknown, path: Path): unknown {
    if (path.length > MAX_DEPTH) {
      this.issues.push(this.issueAt(path.slice(0, MAX_DEPTH), `nested too deeply (more than ${MAX_DEPTH} levels)`))
      return null
    }
    if (isAlias(node)) return this.#read(node.resolve(this.#document), path)
    if (isMap(node)) return this.#readMap(node.items, path)
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        const itemPath = [...path, index]
        this.#mark(itemPath, item as Node)
        return this.#read(item, itemPath)
      })
    }
    if (!isScalar(node)) return null
    return typeof node.value === 'string' ? this.#expand(node.value, path) : node.value
  }

  #readMap(pairs: readonly Pair[], path: Path): Record<string, unknown> {
    const output: Record<string, unknown> = {}
    for (const { key, value } of pairs) {
      // The parser gives the merge key as a symbol.
      const name = isScalar(key) && typeof key.value !== 'symbol' ? String(key.value) : String(key)
      if (isScalar(key) && typeof key.value === 'symbol') {
        const merged = this.#read(value, path)
        for (const source of Array.isArray(merged) ? merged.toReversed() : [merged]) Object.assign(output, source)
        continue
      }
      const keyPath = [...path, name]
      this.#mark(keyPath, key as Node)
      // Not a plain assignment, which would set the prototype for the key `__proto__`.
      Object.defineProperty(output, name, {
        value: this.#read(value, keyPath),
        enumerable: true,
        configurable: true,
        writable: true,
      })
    }
    return output
  }

  #expand(text: string, path: Path): unknown {
    try {
      const expanded = expand(text, this.#env, (message) => this.warnings.push(this.issueAt(path, message)))
      if (!expanded) return text
      if (!expanded.whole) return expanded.text
      if (expanded.unset) return null
      this.#originals.set(keyOf(path), expanded.text)
      return parsedOrText(expanded.text)
    } catch (error) {
      this.issues.push(this.issueAt(path, (error as Error).message))
      return text
    }
  }

  #mark(path: Path, node: Node): void {
    if (node.range) this.#offsets.set(keyOf(path), node.range[0])
  }
}

function parsedOrText(text: string): unknown {
  try {
    return parse(text) as unknown
  } catch {
    return text
  }
}

function keyOf(path: Path): string {
  return JSON.stringify(path)
}
