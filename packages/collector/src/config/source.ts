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
  visit,
  type Alias,
  type Document,
  type Node,
  type Pair,
} from 'yaml'
import { Expander, ExpansionLimitError, type Environment } from './expand.ts'
import { MAX_DEPTH, placeOf, refusalOf, TOO_DEEP } from './guard.ts'

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

/** Mappings, lists and scalars that aliases may make of a text: lists of aliases of lists of aliases grow without end. */
const MAX_VALUES = 50_000

/** Each level may be an alias or a merge key of an alias. */
const MAX_READS = 3 * MAX_DEPTH

export function readSource(text: string, env: Environment): Source {
  return new SourceReader(text, env)
}

class SourceReader implements Source {
  readonly value: unknown
  readonly issues: ConfigIssue[] = []
  readonly warnings: ConfigIssue[] = []
  readonly #expander: Expander
  readonly #lines = new LineCounter()
  readonly #document: Document
  /** What each alias stands for. */
  readonly #targets = new Map<Alias, Node>()
  /** Nodes that are being read, one in the other. */
  #depth = 0
  /** Values read so far. */
  #values = 0
  /** The outermost alias that is being read. */
  #alias: Path | undefined
  /** A limit was reached: nothing more is read. */
  #isOver = false
  /** Offsets of keys and items in the text, by path. */
  readonly #offsets = new Map<string, number>()
  readonly #originals = new Map<string, string>()

  constructor(text: string, env: Environment) {
    this.#expander = new Expander(env)
    const refusal = refusalOf(text)
    const options = { lineCounter: this.#lines, prettyErrors: false, version: '1.2', merge: true } as const
    // Unique keys are looked for below: the parser compares each with all others.
    this.#document = parseDocument(refusal ? '' : text, { ...options, uniqueKeys: false })
    if (refusal) {
      this.issues.push({ path: [], message: refusal.message, ...placeOf(text, refusal.offset) })
    } else {
      // The first one only: those that follow are mostly echoes of it.
      const [error] = this.#document.errors
      if (error) this.#issueIn(error.pos[0], error.message)
      else this.#findTargets()
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

  /** An alias stands for the last anchor of its name before it. */
  #findTargets(): void {
    const anchors = new Map<string, Node>()
    visit(this.#document, {
      Node: (_, node) => {
        if (isAlias(node)) {
          const target = anchors.get(node.source)
          if (target) this.#targets.set(node, target)
          else this.#issueIn(node.range?.[0] ?? 0, `*${node.source}: there is no anchor &${node.source} before it`)
        } else if (node.anchor !== undefined) {
          anchors.set(node.anchor, node)
        }
      },
    })
  }

  #issueIn(offset: number, message: string): void {
    const { line, col } = this.#lines.linePos(offset)
    this.issues.push({ path: [], message, line, column: col })
  }

  /** Says what limit was reached, and where; nothing more is read. */
  #stop(path: Path, message: string): null {
    if (!this.#isOver) this.issues.push(this.issueAt(path, message))
    this.#isOver = true
    return null
  }

  #read(node: unknown, path: Path): unknown {
    if (this.#isOver) return null
    // Merge keys and aliases go deeper without a longer path.
    if (path.length > MAX_DEPTH || this.#depth > MAX_READS) return this.#stop(path.slice(0, MAX_DEPTH), TOO_DEEP)
    this.#depth++
    const value = this.#readNode(node, path)
    this.#depth--
    return value
  }

  #readNode(node: unknown, path: Path): unknown {
    if (++this.#values > MAX_VALUES) {
      return this.#stop(this.#alias ?? path, `the aliases in it make more than ${MAX_VALUES} values`)
    }
    if (isAlias(node)) {
      const isOutermost = this.#alias === undefined
      this.#alias ??= path
      const value = this.#read(this.#targets.get(node), path)
      if (isOutermost) this.#alias = undefined
      return value
    }
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
    const keys = new Set<string>()
    for (const { key, value } of pairs) {
      if (this.#isOver) break
      const node = isAlias(key) ? this.#targets.get(key) : key
      if (!isScalar(node)) {
        this.#issueIn((key as Node | null)?.range?.[0] ?? 0, 'a key must be a name, not a list or a mapping')
        continue
      }
      // The parser gives the merge key as a symbol.
      if (typeof node.value === 'symbol') {
        const merged = this.#read(value, path)
        for (const source of Array.isArray(merged) ? merged.toReversed() : [merged]) Object.assign(output, source)
        continue
      }
      const name = String(node.value)
      const keyPath = [...path, name]
      if (keys.has(name)) this.#issueIn((key as Node).range?.[0] ?? 0, 'Map keys must be unique')
      keys.add(name)
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
      const expanded = this.#expander.expand(text, (message) => this.warnings.push(this.issueAt(path, message)))
      if (!expanded) return text
      if (!expanded.whole) return expanded.text
      if (expanded.unset) return null
      this.#originals.set(keyOf(path), expanded.text)
      return parsedOrText(expanded.text)
    } catch (error) {
      if (error instanceof ExpansionLimitError) return this.#stop(path, error.message)
      this.issues.push(this.issueAt(path, (error as Error).message))
      return text
    }
  }

  #mark(path: Path, node: Node): void {
    if (node.range) this.#offsets.set(keyOf(path), node.range[0])
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

function keyOf(path: Path): string {
  return JSON.stringify(path)
}
