import * as fc from 'fast-check'
import { requestOf, type SentSpan } from '../../../conformance/spans.ts'
import type { AggregateQuery, HeatMapQuery } from '../../../contract.ts'
import type { BlockRows } from '../../block/rows.ts'
import type { Block } from '../block.ts'
import { withCounts } from '../../seal/count-section.ts'
import { encodeSection, type EncodedSection } from '../../sealed/encode.ts'
import { blockOf, sealedBlockOf, StillClock } from '../blocks.test.helper.ts'
import { dependencies } from '../dependencies.ts'
import { KeptParts } from '../kept-parts.ts'
import { Turn } from '../turn.ts'
import { aggregate } from './aggregate.ts'
import { heatMap } from './heat-map.ts'
import type { SectionCounts } from './section-counts.ts'

/** Blocks that come and go, and what is kept of them. */
export class Store {
  blocks: Block[] = []
  readonly kept: KeptParts
  /** Spans of the block that has some, as they were sent. */
  readonly #spans = new Map<Block, readonly SentSpan[]>()
  readonly #looked: Block[] = []
  readonly #encoded = new Map<Block, EncodedSection>()
  readonly #counts = new Map<Block, SectionCounts | undefined>()

  /** The last block grows. */
  isGrowing = false

  constructor(maxBytes = 1 << 22, maxSharedBytes = 1 << 22) {
    this.kept = new KeptParts(maxBytes, maxSharedBytes)
  }

  /** As a question sees them. */
  get asked(): Block[] {
    const last = this.blocks.at(-1)
    return this.isGrowing && last ? [...this.blocks.slice(0, -1), { ...last, growsIn: this }] : this.blocks
  }

  get spans(): SentSpan[] {
    return this.blocks.flatMap((block) => [...this.#spans.get(block)!])
  }

  add(spans: readonly SentSpan[], isSealed = false): Block {
    const encoded = isSealed ? encodeSection({ requests: [requestOf(spans)] }) : undefined
    const block = this.#watched(encoded ? sealedBlockOf(encoded) : blockOf(spans, 3))
    if (encoded) this.#encoded.set(block, encoded)
    this.#spans.set(block, spans)
    this.blocks.push(block)
    return block
  }

  /** Sealed blocks know from now on what they come to. */
  async count(): Promise<void> {
    for (const block of this.blocks) {
      const encoded = this.#encoded.get(block)
      if (encoded && !this.#counts.has(block))
        this.#counts.set(block, sealedBlockOf(await withCounts(encoded, 1)).counts?.())
    }
  }

  drop(at: number): void {
    this.blocks = this.blocks.filter((_, i) => i !== at)
  }

  /** Some blocks that follow one another become one that is sealed. */
  seal(from: number, count: number): void {
    const spans = this.blocks.slice(from, from + count).flatMap((block) => [...this.#spans.get(block)!])
    if (spans.length === 0) return
    const sealed = this.add(spans, true)
    this.blocks = [...this.blocks.slice(0, from), sealed, ...this.blocks.slice(from + count, -1)]
  }

  aggregate(query: AggregateQuery): ReturnType<typeof aggregate> {
    return aggregate(this.asked, query, new Turn(new StillClock(), Infinity), undefined, this.kept)
  }

  heatMap(query: HeatMapQuery): ReturnType<typeof heatMap> {
    return heatMap(this.asked, query, new Turn(new StillClock(), Infinity), undefined, this.kept)
  }

  dependencies(from: bigint, to: bigint, { links = true } = {}): ReturnType<typeof dependencies> {
    return dependencies(this.asked, { from, to, links }, new Turn(new StillClock(), Infinity), this.kept)
  }

  /** Which blocks have been looked into since the last time, by their place. */
  looked(): number[] {
    return [...new Set(this.#looked.splice(0))].map((block) => this.blocks.indexOf(block)).sort((a, b) => a - b)
  }

  #watched(block: Block): Block {
    const look = (): void => void this.#looked.push(watched)
    const watched: Block = {
      ...block,
      counts: () => this.#counts.get(watched),
      rows: (): BlockRows => {
        look()
        return block.rows()
      },
      ...('extents' in block && {
        extents: () => {
          look()
          return block.extents!()
        },
      }),
      ...('requests' in block && {
        requests: () => {
          look()
          return block.requests!()
        },
      }),
    }
    return watched
  }
}

/** Performs the steps with these spans, and checks what the store says after each that leaves something in it. */
export async function checkAfterEach(
  store: Store,
  steps: readonly Step[],
  spans: readonly SentSpan[],
  check: () => Promise<void>,
): Promise<void> {
  const left = [...spans]
  for (const step of steps) {
    perform(store, step, left, store.spans)
    if (store.blocks.length > 0) await check()
  }
}

/** The question without the set of spans that it is about. */
export function withoutSet<T extends { readonly spans?: unknown }>(query: T): Omit<T, 'spans'> {
  const { spans: _, ...rest } = query
  return rest
}

export type Step =
  | { readonly do: 'add'; readonly spans: number; readonly again: number; readonly isSealed: boolean }
  | { readonly do: 'drop'; readonly at: number }
  | { readonly do: 'grow' }
  | { readonly do: 'seal'; readonly at: number; readonly count: number }

export const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      spans: fc.integer({ min: 1, max: 25 }),
      again: fc.nat(8),
      isSealed: fc.boolean(),
    }),
    weight: 3,
  },
  { arbitrary: fc.record({ do: fc.constant('drop' as const), at: fc.nat(9) }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant('grow' as const) }), weight: 1 },
  {
    arbitrary: fc.record({ do: fc.constant('seal' as const), at: fc.nat(9), count: fc.integer({ min: 1, max: 3 }) }),
    weight: 1,
  },
)

function perform(store: Store, step: Step, left: SentSpan[], known: readonly SentSpan[]): void {
  if (step.do === 'grow') store.isGrowing = !store.isGrowing
  else if (step.do === 'drop') store.drop(step.at)
  else if (step.do === 'seal') {
    const from = Math.min(step.at, store.blocks.length)
    store.seal(from, Math.min(step.count, store.blocks.length - from))
  } else {
    const spans = left.splice(0, step.spans)
    // Some come again, soon or late.
    for (let i = 0; i < step.again && known.length > 0; i++) spans.push(known[(i * 7919 + step.spans) % known.length]!)
    if (spans.length > 0) store.add(spans, step.isSealed)
  }
}
