import type { Logger } from '../component/index.ts'
import type { Explanation, SenderKey } from './happening.ts'

export interface Told {
  readonly message: string
  readonly reason: string
  /** '': what the explanation says it is. */
  readonly detail: string
  readonly explain: () => Explanation
  /** Since the last line of that sender and reason. */
  readonly times: number
}

/** Lines a minute, of all senders together. */
const MAX_LINES = 100
const MINUTE_MS = 60_000

/**
 * The log's lines about refusals. Each sender and reason has one a minute; and all together have a hundred, so that no crowd of senders floods
 * the log: that there were more is told with the next minute's first.
 */
export class RefusalLog {
  readonly #logger: Logger
  #endsAt = 0
  #lines = 0
  #more = 0

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** False where there is no line left in this minute. */
  tell({ receiver, transport, peer, userAgent }: SenderKey, nowMs: number, told: Told): boolean {
    if (nowMs >= this.#endsAt) {
      if (this.#more > 0) {
        const fields = { refused: this.#more, senders_and_reasons: MAX_LINES }
        this.#logger.warn(fields, 'More was refused than is told one by one; see the ledger of senders.')
      }
      this.#endsAt = nowMs + MINUTE_MS
      this.#lines = this.#more = 0
    }
    if (this.#lines >= MAX_LINES) {
      this.#more++
      return false
    }
    this.#lines++
    const { message, reason, detail, times } = told
    const { what, mend, lines } = told.explain()
    this.#logger.warn(
      {
        component: receiver,
        transport,
        reason,
        error: detail || what,
        mend,
        ...(lines.length > 0 && { line: lines.map(({ text }) => text).join(' or ') }),
        ...(peer !== '' && { peer }),
        ...(userAgent !== '' && { user_agent: userAgent }),
        ...(times > 1 && { times }),
      },
      message,
    )
    return true
  }
}
