import type { Figure } from './figure.ts'

/** How much is done in a run. */
export interface Size {
  /** How often each candidate and its rival are measured, in turns. */
  readonly pairs: number
  /** Different requests of 512 spans that the load generator has. */
  readonly requests: number
  /** Spans in one measured run of a candidate of ours, and in its warm-up. */
  readonly spans: number
  readonly warmUpSpans: number
  /** Milliseconds of one measured run of a rival, and of its warm-up: it does in that time what it can. */
  readonly rivalMs: number
  readonly rivalWarmUpMs: number
  /** Spans that the store holds when it is asked: those of the warm-up and of all ingest runs together. */
  readonly storedSpans: number
  /** Questions of each kind. */
  readonly queries: number
  /** CPU milliseconds of one round of a measurement within a process. */
  readonly roundMs: number
}

export const FULL: Size = {
  pairs: 3,
  requests: 128,
  spans: 500_000,
  warmUpSpans: 200_000,
  rivalMs: 6_000,
  rivalWarmUpMs: 2_500,
  storedSpans: 1_000_000,
  queries: 200,
  roundMs: 400,
}

export const QUICK: Size = {
  pairs: 1,
  requests: 64,
  spans: 200_000,
  warmUpSpans: 60_000,
  rivalMs: 2_500,
  rivalWarmUpMs: 1_200,
  storedSpans: 300_000,
  queries: 50,
  roundMs: 150,
}

/** How the large stores are made. */
export interface StoreOptions {
  /** Spans in each of them. */
  readonly spans: number
  /** Where they are kept for the next run; undefined: they are made for this run. */
  readonly folder: string | undefined
  /** They are made and not asked. */
  readonly fillOnly: boolean
}

export interface Context {
  readonly size: Size
  readonly store: StoreOptions
  /** Says what is being done; shown on the terminal while it goes on. */
  progress(text: string): void
}

/** A part of the bench: `npm run bench -- --only scan,forward`. */
export interface Section {
  readonly name: string
  readonly title: string
  run(context: Context): Promise<readonly Figure[]>
}
