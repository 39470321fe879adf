import type { SpanDraft } from './draft.ts'

/** What one exporter sends at once. */
export interface Batch {
  readonly at: number
  readonly spans: readonly SpanDraft[]
  /** The sender was offline: it comes much later. */
  readonly late: boolean
}

interface Policy {
  readonly maxSpans: number
  /** It sends what it has after so many nanoseconds. */
  readonly everyNs: number
}

/** The defaults of the SDKs' batch processors, and of a collector that joins what several of them send. */
const POLICIES: Readonly<Record<'own' | 'collector' | 'phone', Policy>> = {
  own: { maxSpans: 512, everyNs: 5_000_000_000 },
  collector: { maxSpans: 2_048, everyNs: 1_000_000_000 },
  phone: { maxSpans: 512, everyNs: Number.MAX_SAFE_INTEGER },
}

/** The spans as their services' exporters send them: each when it has ended, with what else its exporter has then. */
export function batchesOf(spans: readonly SpanDraft[]): Batch[] {
  const exporters = Map.groupBy(spans, ({ instance }) =>
    instance.service.exporter === 'collector' ? -1 : instance.index,
  )
  const batches: Batch[] = []
  for (const [index, own] of exporters) {
    const kind = own[0]?.instance.service.exporter ?? 'own'
    const { maxSpans, everyNs } = POLICIES[kind]
    // Exporters do not tick together.
    const phase = (index + 1) * 137_000_000
    let waiting: SpanDraft[] = []
    let due = 0
    const flush = (at: number) => {
      if (waiting.length > 0) batches.push({ at, spans: waiting, late: kind === 'phone' })
      waiting = []
    }
    for (const span of own.toSorted((a, b) => a.end - b.end)) {
      if (span.end > due) {
        flush(due)
        due = Math.ceil((span.end + phase) / everyNs) * everyNs - phase
      }
      waiting.push(span)
      if (waiting.length === maxSpans) flush(span.end)
    }
    flush(due)
  }
  return batches.sort((a, b) => a.at - b.at)
}
