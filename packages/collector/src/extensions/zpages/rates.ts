import type { ComponentOverview, Overview } from '../../component/index.ts'

/** Items a second of each component between two looks at the collector. */
export interface Rates {
  /** What they are averages over. */
  readonly seconds: number
  readonly isSinceStart: boolean
  /** Undefined where it is not counted. */
  of(
    pipeline: string,
    component: ComponentOverview,
  ): { readonly in?: number | undefined; readonly out?: number | undefined }
}

interface Look {
  readonly atMs: number
  readonly totals: ReadonlyMap<string, { readonly in: number; readonly out: number }>
}

/** A look closer to the last one than this is compared with the one before. Milliseconds. */
const SHORTEST_MS = 2_000
/** Closer ones are not kept. Milliseconds. */
const STEP_MS = 500
/** One that is older says nothing of now. Milliseconds. */
const OLDEST_MS = 600_000

const keyOf = (pipeline: string, { kind, id }: ComponentOverview): string => `${pipeline} ${kind} ${id}`

/** Each call compares with an earlier one; the first with the start. */
export function createRates(): (overview: Overview, nowMs?: number) => Rates {
  let looks: readonly Look[] = []
  return (overview, nowMs = Date.now()) => {
    looks = looks.filter(({ atMs }) => nowMs - atMs < OLDEST_MS)
    const before = looks.findLast(({ atMs }) => nowMs - atMs >= SHORTEST_MS)
    const totals = new Map(
      overview.pipelines.flatMap(({ id, components }) =>
        components.map((each) => [keyOf(id, each), { in: each.figures.in ?? 0, out: each.figures.out ?? 0 }] as const),
      ),
    )
    looks = looks.filter((look) => look.atMs >= (before?.atMs ?? 0))
    if (nowMs - (looks.at(-1)?.atMs ?? -Infinity) >= STEP_MS) looks = [...looks, { atMs: nowMs, totals }]
    const seconds = Math.max(1, nowMs - (before?.atMs ?? overview.startedAtMs)) / 1000
    return {
      seconds,
      isSinceStart: before === undefined,
      of(pipeline, component) {
        const then = before?.totals.get(keyOf(pipeline, component)) ?? { in: 0, out: 0 }
        const rate = (now: number | undefined, earlier: number): number | undefined =>
          now === undefined ? undefined : Math.max(0, now - earlier) / seconds
        return { in: rate(component.figures.in, then.in), out: rate(component.figures.out, then.out) }
      },
    }
  }
}
