/** One YAML text as plain values, with the places where they were written. References in it stay as they are. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Alias,
  type Document,
  type Node,
  type Pair,
} from 'yaml'
import { MAX_DEPTH, placeOf, refusalOf, TOO_DEEP } from './guard.ts'
import { mergeValues, setKey } from './merge.ts'
import type { Path, Place, Places } from './places.ts'

/** Mappings, lists and scalars that aliases may make of a text: lists of aliases of lists of aliases grow without end. */
export const MAX_VALUES = 50_000

/** `${…}` begins a mapping there. */
const IN_QUOTES = '; between { } or [ ] of YAML, write "${…}" in quotes'
const SECOND_DOCUMENT =
  'has no effect: only the first document of a file is read; give the second as a file with a --config of its own'

/** Each level may be an alias or a merge key of an alias. */
const MAX_READS = 3 * MAX_DEPTH

/** A text of a configuration, and what it is called in errors. */
export interface ConfigText {
  readonly text: string
  readonly file: string
  /** The file that it was read from, where it was: what a program watches that reloads when it changes. */
  readonly path?: string
  /** It is a line of the command line: errors name no line and column of it. Default false. */
  readonly isArgument?: boolean
}

export interface DocumentOptions {
  /** Where in the configuration the text's values are put. */
  readonly base: Path
  readonly places: Places
  /** Hears of everything that is wrong with the text. */
  readonly issue: (path: Path, message: string, place: Place) => void
  /** Hears of what is not read. */
  readonly warning: (path: Path, message: string, place: Place) => void
}

/** The values of the text; undefined when something is wrong with it. */
export function readDocument(source: ConfigText, options: DocumentOptions): unknown {
  return new DocumentReader(source, options).read()
}

class DocumentReader {
  readonly #source: ConfigText
  readonly #options: DocumentOptions
  readonly #lines = new LineCounter()
  #document: Document | undefined
  /** What each alias stands for. */
  readonly #targets = new Map<Alias, Node>()
  /** Nodes that are being read, one in the other. */
  #depth = 0
  /** Values read so far. */
  #values = 0
  /** The outermost alias that is being read. */
  #alias: Path | undefined
  #isWrong = false
  /** A limit was reached: nothing more is read. */
  #isOver = false

  constructor(source: ConfigText, options: DocumentOptions) {
    this.#source = source
    this.#options = options
  }

  read(): unknown {
    const { text } = this.#source
    const { base, places } = this.#options
    if (base.length === 0 && !places.nearest([])) places.mark([], this.#place(1, 1))
    const refusal = refusalOf(text)
    if (refusal) {
      const { line, column } = placeOf(text, refusal.offset)
      this.#fail(base, refusal.message, this.#place(line, column))
      return undefined
    }
    const options = { lineCounter: this.#lines, prettyErrors: false, version: '1.2', merge: true } as const
    // Unique keys are looked for below: the parser compares each with all others.
    this.#document = parseDocument(text, { ...options, uniqueKeys: false })
    // The first one only: those that follow are mostly echoes of it.
    const [error] = this.#document.errors
    if (error?.code === 'MULTIPLE_DOCS') this.#options.warning(base, SECOND_DOCUMENT, this.#placeAt(error.pos[0]))
    else if (error) {
      const hint = text.startsWith('${', error.pos[0] - 1) ? IN_QUOTES : ''
      this.#fail(base, `${error.message}${hint}`, this.#placeAt(error.pos[0]))
    }
    if (!this.#isWrong) this.#findTargets(this.#document)
    if (this.#isWrong) return undefined
    const value = this.#read(this.#document.contents, base)
    return this.#isWrong ? undefined : value
  }

  /** An alias stands for the last anchor of its name before it. */
  #findTargets(document: Document): void {
    const anchors = new Map<string, Node>()
    visit(document, {
      Node: (_, node) => {
        if (isAlias(node)) {
          const target = anchors.get(node.source)
          if (target) this.#targets.set(node, target)
          else this.#failIn(node.range?.[0] ?? 0, `*${node.source}: there is no anchor &${node.source} before it`)
        } else if (node.anchor !== undefined) {
          anchors.set(node.anchor, node)
        }
      },
    })
  }

  #place(line: number, column: number): Place {
    const { file, isArgument } = this.#source
    return isArgument ? { file, line: 0, column: 0 } : { file, line, column }
  }

  #placeAt(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset)
    return this.#place(line, col)
  }

  #fail(path: Path, message: string, place: Place): void {
    this.#isWrong = true
    this.#options.issue(path, message, place)
  }

  #failIn(offset: number, message: string): void {
    this.#fail(this.#options.base, message, this.#placeAt(offset))
  }

  /** Says what limit was reached, and where; nothing more is read. */
  #stop(path: Path, message: string): null {
    if (!this.#isOver) this.#fail(path, message, this.#options.places.nearest(path) ?? this.#place(1, 1))
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
    if (typeof node.value === 'number')
      this.#options.places.markDouble(path, Number.isInteger(node.value) && /[.e]/i.test(node.source ?? ''))
    return node.value
  }

  #readMap(pairs: readonly Pair[], path: Path): Record<string, unknown> {
    const output: Record<string, unknown> = {}
    const keys = new Set<string>()
    const own = new Set<string>()
    for (const { key, value } of pairs) {
      if (this.#isOver) break
      const node = isAlias(key) ? this.#targets.get(key) : key
      if (!isScalar(node)) {
        this.#failIn((key as Node | null)?.range?.[0] ?? 0, 'a key must be a name, not a list or a mapping')
        continue
      }
      // The parser gives the merge key as a symbol.
      if (typeof node.value === 'symbol') {
        const merged = this.#read(value, path)
        for (const source of Array.isArray(merged) ? merged.toReversed() : [merged]) Object.assign(output, source)
        continue
      }
      const name = String(node.value)
      if (keys.has(name)) this.#failIn((key as Node).range?.[0] ?? 0, 'Map keys must be unique')
      keys.add(name)
      // At the top `processors::batch::timeout` is short for a mapping in a mapping.
      const names = path.length === 0 ? name.split('::') : [name]
      names.forEach((_, index) => this.#mark([...path, ...names.slice(0, index + 1)], key as Node))
      const inner = this.#read(value, [...path, ...names])
      const [first, ...rest] = names as [string, ...string[]]
      const nested = rest.reduceRight<unknown>((held, each) => setKey({}, each, held), inner)
      setKey(output, first, own.has(first) ? mergeValues(output[first], nested) : nested)
      own.add(first)
    }
    return output
  }

  #mark(path: Path, node: Node): void {
    if (node.range) this.#options.places.mark(path, this.#placeAt(node.range[0]))
  }
}
