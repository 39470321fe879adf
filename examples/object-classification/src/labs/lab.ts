/** What a lab is: something that goes wrong, a question, and how an answer is checked against the stored traces. */
import type { FaultName } from '../world/faults/catalogue.ts'
import type { LabSpan } from './spans.ts'

/** Where something can go wrong. */
export interface Places {
  /** Those that are asked over HTTP: neither the client nor the consumer. */
  readonly services: readonly string[]
  readonly links: readonly string[]
}

/** A fault at a place, drawn by lot. */
export interface Drawn {
  readonly fault: FaultName
  readonly at: string
  readonly parameters: Readonly<Record<string, number>>
  /** When it begins, ms after the first photograph was answered. Default: before all. */
  readonly afterMs?: number
  /** How long it is on, ms. Default: until all photographs were answered. */
  readonly forMs?: number
}

/** A lab. */
export interface Lab {
  readonly number: number
  readonly title: string
  /** There is nothing to break in a world without links. */
  readonly needsLinks?: boolean
  /** Photographs that are sent while it is broken, and how many a second. */
  readonly photographs: number
  readonly rate: number
  /**
   * What goes wrong this time.
   *
   * @param pick A number of `from` up to and with `to`, by lot.
   */
  draw(places: Places, pick: (from: number, to: number) => number): Drawn
  /** What is asked, given what was stored. */
  ask(spans: readonly LabSpan[]): string
  /** The parts of an answer, and what each is. */
  readonly answer: Readonly<Record<string, string>>
  /** The true answer, from the traces alone. */
  solve(spans: readonly LabSpan[]): Solution
}

/** Of each part of the answer: whether it is right. */
export type Solution = Readonly<Record<string, (given: string) => boolean>>

/** Exactly this text, of any case. */
export const is =
  (expected: string) =>
  (given: string): boolean =>
    expected !== '' && given.toLowerCase() === expected.toLowerCase()

/** A number that is away from the true one by no more than a share of it, or by no more than `least`. */
export const near =
  (expected: number, share: number, least = 0) =>
  (given: string): boolean =>
    given !== '' && Math.abs(Number(given) - expected) <= Math.max(Math.abs(expected) * share, least)

/** The middle one. NaN of none. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN
}

/** Spans by a key, in the order in which keys came. */
export function groupBy(spans: readonly LabSpan[], key: (span: LabSpan) => string): Map<string, LabSpan[]> {
  return Map.groupBy(spans, key)
}

/** The one with the most of something. */
export function most<T>(values: Iterable<T>, of: (value: T) => number): T | undefined {
  let best: T | undefined
  for (const value of values) if (best === undefined || of(value) > of(best)) best = value
  return best
}

/** One of them by lot. @throws With `none` where there is none. */
export function oneOf(names: readonly string[], pick: (from: number, to: number) => number, none: string): string {
  const name = names[pick(0, Math.max(0, names.length - 1))]
  if (name === undefined) throw new Error(none)
  return name
}

/** The inference services. */
export function models({ services }: Places): string[] {
  return services.filter((name) => name.startsWith('inference-'))
}

/** How long a span took, ms. */
export function length({ start, end }: LabSpan): number {
  return end - start
}

/** The first spans of requests. */
export function rootsOf(spans: readonly LabSpan[]): LabSpan[] {
  return spans.filter(({ name, parentId }) => name === 'classify a photograph' && parentId === '')
}
