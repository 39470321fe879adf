import { decodeTraces, type KeyValue } from '@spoor/otlp'
import {
  createNamedCorpus,
  createPass,
  SPANS_PER_REQUEST,
  createRandom,
  traceIdIn,
  type CorpusTrace,
  type Random,
} from 'spoor/loadgen'
import { okBody, type Get } from '../../candidate/client.ts'
import type { Filled } from './filled.ts'

/** A trace that is in the store. */
export interface StoredTrace {
  /** 32 hex digits. */
  readonly id: string
  readonly trace: CorpusTrace
  readonly pass: number
}

/** Picks traces, evenly, of all that were sent whole. */
export interface Picker {
  readonly random: Random
  /** Passes whose late requests have been sent. */
  readonly lateSent: Set<number>
  /** Spans that the store has of a trace. */
  readonly spansOf: (stored: StoredTrace) => number
  readonly pick: () => StoredTrace
  /** One that has spans in late requests, of a pass of which these have been sent. */
  readonly pickLate: () => StoredTrace
  /** The value of an attribute in one of these traces, the same for the same seed. */
  readonly valueOf: (get: Get, key: string) => Promise<{ readonly value: string; readonly id: string }>
}

export function createPicker(filled: Filled, seed: number): Picker {
  const random = createRandom(seed)
  const corpus = createNamedCorpus(filled.corpus, filled.requests * SPANS_PER_REQUEST)
  const passes = filled.passes
    .map(({ number, requests }) => ({
      number,
      // What has come late has not come yet.
      whole: corpus.traces.filter((trace) => trace.lastRequest >= 0 && trace.lastRequest < requests),
    }))
    .filter(({ whole }) => whole.length > 0)
  const late = corpus.traces.filter((trace) => trace.lateSpans > 0 && trace.lastRequest >= 0)
  const stored = (trace: CorpusTrace, pass: number): StoredTrace => ({
    trace,
    pass,
    id: traceIdIn(createPass(pass, BigInt(filled.origin), corpus.stretched), trace.traceId),
  })
  const pick = (): StoredTrace => {
    const { number, whole } = random.pick(passes)
    return stored(random.pick(whole), number)
  }
  const lateSent = new Set<number>()
  return {
    random,
    lateSent,
    spansOf: ({ trace, pass }) => trace.spans - (lateSent.has(pass) ? 0 : trace.lateSpans),
    pick,
    pickLate: () => stored(random.pick(late), random.pick([...lateSent])),
    async valueOf(get, key) {
      for (let tries = 0; tries < 5_000; tries++) {
        const { id } = pick()
        const { resourceSpans } = decodeTraces(await okBody(get, `/api/spoor/v1/traces/${id}`))
        const attributes = resourceSpans.flatMap(({ scopeSpans }) =>
          scopeSpans.flatMap(({ spans }) => spans.flatMap((span) => span.attributes)),
        )
        const value = attributes.find((attribute) => attribute.key === key)
        if (value) return { id, value: textOf(value) }
      }
      throw new Error(`no trace has ${key}`)
    },
  }
}

const textOf = ({ key, value }: KeyValue): string => {
  if (value.type !== 'string') throw new TypeError(`${key} is no text`)
  return value.value
}
