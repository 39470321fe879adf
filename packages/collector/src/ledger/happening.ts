/** Something that came of a sender's requests, or was seen in them, and what is told of it. */
import type { Attention, PortTraits, RefusalFacts, SenderReport, Surroundings } from '../component/index.ts'

export type SenderKey = Pick<SenderReport, 'receiver' | 'transport' | 'port' | 'peer' | 'userAgent'>

export interface Happening extends Surroundings {
  readonly key: SenderKey
  readonly traits: PortTraits
  /** As in {@link SenderReport.outcomes}, or of `observe.ts`. */
  readonly reason: string
  readonly detail: string
  readonly facts: RefusalFacts
}

export type Explanation = Pick<Attention, 'code' | 'severity' | 'what' | 'mend' | 'lines'>
