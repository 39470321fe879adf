import type { OnPartial, PartialAnswer } from '@spoor/storage'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AnswerLine } from '../api.ts'
import { sendText } from '../http/answer-stream.ts'
import { apiError, type Failures } from './failure.ts'
import { acceptsLines, LINES_TYPE, lineOf, started } from './lines.ts'

/**
 * Answers a question that takes its time: with one answer, or to a client that accepts lines with what there is of it as it grows, and at last the same. `ask` asks the store, which tells
 * `onPartial` what there is so far; `rowOf` puts an answer in the words of the API.
 */
export async function answered<T, Row>(
  request: FastifyRequest,
  reply: FastifyReply,
  failures: Failures,
  ask: (onPartial?: OnPartial<T>) => Promise<T>,
  rowOf: (answer: T) => Row,
): Promise<Row | FastifyReply> {
  void reply.header('vary', 'accept')
  if (!acceptsLines(request)) return rowOf(await ask())
  const told = await started(growing(ask))
  void reply.header('cache-control', 'no-cache').type(LINES_TYPE)
  const failed = (error: unknown): void => failures.tell(reply, error)
  async function* lines(): AsyncGenerator<string> {
    try {
      for await (const one of told) {
        const answer = rowOf(one.answer)
        const line: AnswerLine<Row> =
          'partsDone' in one
            ? { type: 'partial', partsDone: one.partsDone, partsTotal: one.partsTotal, answer }
            : { type: 'end', answer }
        yield lineOf(line)
      }
    } catch (error) {
      failed(error)
      yield lineOf({ type: 'error', ...apiError(failures.of(error)) } satisfies AnswerLine<Row>)
    }
  }
  return sendText(reply, lines(), failed, true)
}

/** What there is so far, and at last the answer. Of what comes while the one before is being sent only the latest is kept. */
export async function* growing<T>(
  ask: (onPartial: OnPartial<T>) => Promise<T>,
): AsyncGenerator<PartialAnswer<T> | { readonly answer: T }> {
  /** The latest that was not told. */
  const waiting: PartialAnswer<T>[] = []
  let isDone = false
  let wake = (): void => {}
  const answer = ask((partial) => {
    waiting[0] = partial
    wake()
  })
  const done = (): void => {
    isDone = true
    wake()
  }
  void answer.then(done, done)
  for (;;) {
    const partial = waiting.pop()
    if (partial) yield partial
    else if (isDone) break
    else await new Promise<void>((resolve) => (wake = resolve))
  }
  yield { answer: await answer }
}
