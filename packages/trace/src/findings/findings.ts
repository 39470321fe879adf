import type { Trace } from '../model.ts'
import { clockSkew } from './clock-skew.ts'
import { contextLost } from './context-lost.ts'
import type { Finding } from './finding.ts'
import { healthChecks } from './health-checks.ts'
import { lostInside } from './lost-inside.ts'
import { mixedConventions } from './mixed-conventions.ts'
import { namesWithIds } from './names-with-ids.ts'
import { parentsMissing } from './parents-missing.ts'
import { queueOverflow } from './queue-overflow.ts'
import { relays } from './relays.ts'
import { repeatedCalls } from './repeated-calls.ts'
import { samplesAlone } from './samples-alone.ts'
import { SeenTrace } from './seen-trace.ts'
import { sentTwice } from './sent-twice.ts'
import { sharedName } from './shared-name.ts'
import { unknownService } from './unknown-service.ts'

export interface Findings {
  /** Shows the rules one more trace. Each trace is shown once; they keep figures, and nothing of the trace. */
  add(trace: Trace): void
  /**
   * What the traces so far show, in no order. `nowMs`: when they were read, milliseconds since 1970, as what ended just before may not be whole yet; default: the end of the
   * last of them.
   */
  found(nowMs?: number): Finding[]
}

/** The rules over many traces, from the start. Pure: no clock, no I/O; linear in the spans. */
export function createFindings(): Findings {
  const rules = [
    clockSkew(),
    contextLost(),
    lostInside(),
    relays(),
    samplesAlone(),
    parentsMissing(),
    queueOverflow(),
    namesWithIds(),
    healthChecks(),
    repeatedCalls(),
    unknownService(),
    sharedName(),
    sentTwice(),
    mixedConventions(),
  ]
  let lastMs = 0
  return {
    add(trace) {
      if (trace.size === 0) return
      lastMs = Math.max(lastMs, Number(trace.start / 1_000_000n) + trace.durationNs / 1e6)
      const seen = new SeenTrace(trace)
      for (const rule of rules) rule.add(seen)
    },
    found: (nowMs = lastMs) => rules.flatMap((rule) => rule.found(nowMs)),
  }
}
