import {
  bytesToHex,
  createSpanColumns,
  decodeResourceHeader,
  decodeScopeHeader,
  decodeSpan,
  type KeyValue,
  type Resource,
  type Scope,
  scanSpans,
  type Span,
  type SpanColumns,
} from '@spoor/otlp'
import { UNKNOWN_SERVICE } from '@spoor/trace'
import { setImmediate } from 'node:timers/promises'

/** A span of a trace, and where it is in it. */
export interface TraceSpan {
  readonly span: Span
  readonly resource: Resource
  readonly scope: Scope
  readonly node: SpanNode
}

/** Where a span is in the tree of its trace. */
export interface SpanNode {
  readonly parent: SpanNode | undefined
  /** How many spans have it as their parent. */
  readonly children: number
  /** As Tempo numbers spans: each lies between the numbers of its parent. 0: it hangs on nothing. */
  readonly left: number
  readonly right: number
  /** `left` of its parent; -1 of a root. */
  readonly above: number
  /** Its span; undefined where nobody asked for it. */
  readonly own: TraceSpan | undefined
}

/** What is decoded of a trace. */
export interface TraceReading {
  /** Those that were wanted, by their start, each once. */
  readonly spans: readonly TraceSpan[]
  /** False where there were more than `maxSpans` or there was no memory: the others are not there. */
  readonly isWhole: boolean
}

/** Spans that are decoded in one go: some milliseconds. */
const SPANS_AT_ONCE = 500
/** Of the structure alone, in memory, about. */
const NODE_BYTES = 300

type Draft<T> = { -readonly [K in keyof T]: T[K] }
type Node = Draft<SpanNode> & { readonly id: string; readonly parentId: string }

export interface ReadingOptions {
  /** Ids of the spans that are decoded. Default: all. */
  readonly wanted?: ReadonlySet<string> | undefined
  /** Whether it has to be known where spans are in the tree, which all spans of the trace say; else it is only read until those that are wanted are there. */
  readonly withTree: boolean
  /** Of the whole trace. */
  readonly maxSpans: number
  /** Asks for memory; false: there is none, and the reading ends. */
  readonly grow: (bytes: number) => boolean
}

/** Reads a trace, and decodes those spans that are wanted. */
export async function readTraceSpans(
  chunks: AsyncIterable<Uint8Array>,
  { wanted, withTree, maxSpans, grow }: ReadingOptions,
): Promise<TraceReading> {
  const columns = createSpanColumns()
  const nodes = new Nodes()
  const found: TraceSpan[] = []
  let spans = 0
  let isWhole = true
  for await (const bytes of chunks) {
    columns.count = 0
    scanSpans(bytes, columns)
    spans += columns.count
    isWhole = spans <= maxSpans && grow(NODE_BYTES * columns.count)
    const decode = decoder(bytes, columns)
    for (let row = 0; row < columns.count && isWhole; row++) {
      if (row % SPANS_AT_ONCE === SPANS_AT_ONCE - 1) await setImmediate()
      const id = bytesToHex(columns.spanId, 8 * row, 8 * row + 8)
      const isWanted = wanted === undefined || wanted.has(id)
      const node = isWanted || withTree ? nodes.add(id, columns, row) : undefined
      if (!node || !isWanted) continue
      isWhole = grow(4 * (columns.spanEnd[row]! - columns.spanStart[row]!))
      if (isWhole) found.push((node.own = { ...decode(row), node }))
    }
    if (!isWhole || (!withTree && found.length === wanted?.size)) break
  }
  nodes.number()
  return { spans: found.sort((a, b) => compareStarts(a, b) || (a.span.spanId < b.span.spanId ? -1 : 1)), isWhole }
}

/** Decodes rows of a chunk; what spans share is decoded once. */
function decoder(bytes: Uint8Array, columns: SpanColumns): (row: number) => Omit<TraceSpan, 'node'> {
  const resources = new Map<number, Resource>()
  const scopes = new Map<number, Scope>()
  return (row) => {
    const [resourceAt, scopeAt] = [columns.resourceStart[row]!, columns.scopeStart[row]!]
    const resource =
      resources.get(resourceAt) ?? decodeResourceHeader(bytes, resourceAt, columns.resourceEnd[row]!).resource
    const scope = scopes.get(scopeAt) ?? decodeScopeHeader(bytes, scopeAt, columns.scopeEnd[row]!).scope
    resources.set(resourceAt, resource)
    scopes.set(scopeAt, scope)
    return { span: decodeSpan(bytes, columns.spanStart[row], columns.spanEnd[row]), resource, scope }
  }
}

/** By their start. */
export function compareStarts(a: TraceSpan, b: TraceSpan): number {
  const [left, right] = [a.span.startTimeUnixNano, b.span.startTimeUnixNano]
  return left < right ? -1 : left > right ? 1 : 0
}

/** The spans of a trace, and who is whose parent. */
class Nodes {
  readonly #byId = new Map<string, Node>()
  readonly #all: Node[] = []
  /** What tells one span from another. */
  readonly #headers = new Set<string>()

  /** Undefined: the span was sent twice. */
  add(
    id: string,
    { parentSpanId, startHi, startLo, durationNs, kind, status }: SpanColumns,
    row: number,
  ): Node | undefined {
    const parentId = idText(bytesToHex(parentSpanId, 8 * row, 8 * row + 8))
    const header = [id, parentId, startHi[row], startLo[row], durationNs[row], kind[row], status[row]].join()
    if (this.#headers.has(header)) return undefined
    this.#headers.add(header)
    const place = { parent: undefined, children: 0, left: 0, right: 0, above: 0, own: undefined }
    const node: Node = { id, parentId, ...place }
    this.#all.push(node)
    if (!this.#byId.has(id)) this.#byId.set(id, node)
    return node
  }

  /** Says of each span who its parent is, and gives it its numbers. */
  number(): void {
    const children = new Map<Node, Node[]>()
    for (const node of this.#all) {
      const parent = node.parentId === node.id ? undefined : this.#byId.get(node.parentId)
      if (!parent) continue
      node.parent = parent
      parent.children++
      const siblings = children.get(parent)
      if (siblings) siblings.push(node)
      else children.set(parent, [node])
    }
    let number = 0
    for (const root of this.#all) {
      if (root.parentId !== '') continue
      root.above = -1
      root.left = ++number
      const path: { readonly node: Node; next: number }[] = [{ node: root, next: 0 }]
      for (let top = path.at(-1); top; top = path.at(-1)) {
        const child = children.get(top.node)?.[top.next++]
        if (child) {
          child.above = top.node.left
          child.left = ++number
          path.push({ node: child, next: 0 })
        } else {
          top.node.right = ++number
          path.pop()
        }
      }
    }
  }
}

function idText(hex: string): string {
  return /^0*$/.test(hex) ? '' : hex
}

export function serviceOf({ resource }: TraceSpan): string {
  const name = resource.attributes.find(({ key }: KeyValue) => key === 'service.name')?.value
  return (name?.type === 'string' && name.value) || UNKNOWN_SERVICE
}
