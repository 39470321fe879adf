import type { Figure } from './figure.ts'
import type { Peers } from './peers/place.ts'

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
  /** Small requests in one measured run of a single sender. */
  readonly smallRequests: number
  /** Seconds of one run at a steady rate. */
  readonly steadySeconds: number
  /** Whether a rival of our own making is measured where the peer is built. */
  readonly rivalsBesidePeers: boolean
  /** Spans that a store takes while it is asked and its memory is watched. */
  readonly memorySpans: number
}

export const FULL: Size = {
  pairs: 5,
  requests: 128,
  spans: 500_000,
  warmUpSpans: 200_000,
  rivalMs: 6_000,
  rivalWarmUpMs: 2_500,
  storedSpans: 1_000_000,
  queries: 200,
  roundMs: 400,
  smallRequests: 6_000,
  steadySeconds: 15,
  rivalsBesidePeers: true,
  memorySpans: 1_000_000,
}

export const QUICK: Size = {
  pairs: 3,
  requests: 64,
  spans: 120_000,
  warmUpSpans: 60_000,
  rivalMs: 1_500,
  rivalWarmUpMs: 1_000,
  storedSpans: 300_000,
  queries: 50,
  roundMs: 100,
  smallRequests: 1_000,
  steadySeconds: 3,
  rivalsBesidePeers: false,
  memorySpans: 300_000,
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
  /** The programs of others, as far as they are built. */
  readonly peers: Peers
  readonly store: StoreOptions
  /** Says what is being done; shown on the terminal while it goes on. */
  progress(text: string): void
}

/** A part of the bench: `npm run bench -- --only scan,forward`. */
export interface Section {
  /** Not in a run of all sections with `--quick`. Default false. */
  readonly slow?: boolean
  /** In no run but one that names it. Default false. */
  readonly onRequest?: boolean
  readonly name: string
  readonly title: string
  run(context: Context): Promise<readonly Figure[]>
}
