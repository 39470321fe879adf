/** A result on its way to the database. */
import type { EnsembleResult } from '../service/prediction.ts'

/** The header that says when it was sent, ms since 1970. */
export const SENT_AT = 'sent-at'

/** What of a result is stored. */
export interface StoredResult {
  readonly requestId: string
  readonly label: string
  /** 0..1. */
  readonly probability: number
  /** What each model said. */
  readonly votes: readonly { readonly model: string; readonly label: string; readonly probability: number }[]
}

/** As JSON in UTF-8. */
export function writeResult({ requestId, label, probability, votes }: EnsembleResult): Uint8Array {
  const said = votes.map((vote) => ({ model: vote.model, label: vote.label, probability: vote.probability }))
  return Buffer.from(JSON.stringify({ requestId, label, probability, votes: said } satisfies StoredResult))
}

/** @throws {UnreadableError} For what is no result. */
export function readResult(body: Uint8Array): StoredResult {
  let value: Partial<StoredResult> | null
  try {
    value = JSON.parse(Buffer.from(body).toString()) as Partial<StoredResult> | null
  } catch (cause) {
    throw new UnreadableError('the message is no JSON', { cause })
  }
  const { requestId, label, probability, votes } = value ?? {}
  if (typeof requestId !== 'string' || typeof label !== 'string' || typeof probability !== 'number')
    throw new UnreadableError('the message is no result: it needs requestId, label and probability')
  return { requestId, label, probability, votes: Array.isArray(votes) ? votes : [] }
}

/** A message that can never be read. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError'
}
