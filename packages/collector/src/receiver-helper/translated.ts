/** What receivers of other formats than OTLP do with a body: they translate it in parts, so that other work has its turn, and hand it on as one. */
import { setImmediate } from 'node:timers/promises'
import { encodeTraces, joinBytes, type TracesData } from '@spoor/otlp'
import { CollectorError, freeBody } from '../component/index.ts'
import type { Call } from './call.ts'
import type { Intake } from './intake.ts'

/** Spans that are translated in one turn of the event loop, some milliseconds of work. */
const PART_SPANS = 256

/**
 * Gives requests of {@link PART_SPANS} at most, each when it is asked for; throws CollectorError `invalid_data` for a body that cannot be read.
 * `refuse`: hears of each span that is left out as its ids are not valid, and of what is wrong.
 */
export type Translate = (body: Uint8Array, refuse: (problem: string) => void) => Iterable<TracesData>

/** `convert`, called for some of the spans at a time. */
export function* inParts<S>(spans: Iterable<S>, convert: (spans: readonly S[]) => TracesData): Generator<TracesData> {
  let part: S[] = []
  for (const span of spans) {
    part.push(span)
    if (part.length < PART_SPANS) continue
    yield convert(part)
    part = []
  }
  if (part.length > 0) yield convert(part)
}

/**
 * Resolves when the pipelines have taken it. Spans whose ids are not valid are left out, counted and told of; where there are no others, that is
 * an error `invalid_data`. The call's lease must be for the body, and is for nothing afterwards.
 */
export async function takeTranslated(
  intake: Intake,
  translate: Translate,
  body: Uint8Array,
  call: Call,
): Promise<void> {
  let bytes: Uint8Array | undefined
  let isKept = false
  try {
    intake.begin()
    try {
      const parts: Uint8Array[] = []
      let items = 0
      let refused = 0
      let problem = ''
      const refuse = (why: string): void => {
        if (refused++ === 0) problem = why
      }
      for (const data of translate(body, refuse)) {
        if (parts.length > 0) await setImmediate()
        if (call.left) throw new CollectorError('unavailable', 'the client left before its message was handed on')
        parts.push(encodeTraces(data))
        items += spansIn(data)
      }
      if (refused > 0) {
        const message = intake.rejectInvalid('traces', refused, items, problem, call.sender)
        if (items === 0) throw new CollectorError('invalid_data', message)
      }
      bytes = parts.length === 1 ? parts[0]! : joinBytes(parts)
      settle(call, bytes.length - body.length)
      call.sender.arrived('traces', bytes)
      if (items > 0) {
        isKept = intake.consumer('traces')?.releases !== true
        await intake.hand('traces', { bytes, items }, call)
      }
      intake.succeed(items, call.sender)
    } finally {
      intake.end()
    }
  } finally {
    freeBody(body)
    if (bytes && !isKept) freeBody(bytes)
    call.lease.release()
  }
}

function spansIn({ resourceSpans }: TracesData): number {
  let spans = 0
  for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans += scope.spans.length
  return spans
}

/** The lease is for what is handed on. */
function settle({ lease, budget }: Call, more: number): void {
  if (more > 0 && !lease.grow(more)) throw budget.refusal(lease.bytes + more)
  if (more < 0) lease.shrink(Math.min(lease.bytes, -more))
  lease.move('pipeline')
}
