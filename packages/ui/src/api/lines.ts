import { parseShown } from '../format/outside.ts'
import { ApiFailure, withoutQuery } from './api-failure.ts'
import { apiUrl, get, type Parameters } from './client.ts'

/** GETs lines of JSON; `onLine` hears each as it comes. Throws {@link ApiFailure}, also for a line that cannot be read; passes an abort on as it is. */
export async function getLines(
  path: string,
  parameters: Parameters,
  signal: AbortSignal,
  onLine: (line: unknown) => void,
): Promise<void> {
  const url = apiUrl(path, parameters)
  const decoder = new TextDecoder()
  let rest = ''
  const read = (text: string): void => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(parseLine(url, line))
  }
  await get(url, 'application/x-ndjson', { signal, onChunk: (chunk) => read(decoder.decode(chunk, { stream: true })) })
  if (rest !== '') throw new ApiFailure('cut', `The answer of ${withoutQuery(url)} broke off.`, { isPassing: true })
}

function parseLine(url: string, line: string): unknown {
  try {
    return parseShown(line)
  } catch {
    throw new ApiFailure('unreadable', `The answer of ${withoutQuery(url)} is not lines of JSON.`)
  }
}
