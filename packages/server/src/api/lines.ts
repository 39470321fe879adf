import type { FastifyRequest } from 'fastify'

/* Answers that are told as they are found: a line of JSON each. */

export const LINES_TYPE = 'application/x-ndjson; charset=utf-8'

/** Whether the client says that it takes lines. */
export function acceptsLines({ headers }: FastifyRequest): boolean {
  return /\bapplication\/x-ndjson\b/i.test(headers.accept ?? '')
}

export function lineOf(line: object): string {
  return `${JSON.stringify(line)}\n`
}

/** The events once it is known that there are some: what is no query is answered as an error and not in the middle. */
export async function started<T>(events: AsyncIterable<T>): Promise<AsyncGenerator<T>> {
  const iterator = events[Symbol.asyncIterator]()
  const head = await iterator.next()
  return (async function* () {
    try {
      for (let next = head; !next.done; next = await iterator.next()) yield next.value
    } finally {
      await iterator.return?.()
    }
  })()
}
