/** Downloads over HTTP to a file: resumed where an earlier try stopped, and in place only when it is whole. */
import { open, rename, stat } from 'node:fs/promises'

/** How a download reports its progress, and where it is stopped. */
export interface DownloadOptions {
  readonly onBytes?: (done: number, total?: number) => void
  readonly signal?: AbortSignal
}

/**
 * Writes the body of `url` to `file`. What arrives goes to `<file>.part`, which takes the file's name at the end.
 *
 * @throws When the server does not answer with success, or the connection breaks; the part is kept then.
 */
export async function download(url: string, file: string, options: DownloadOptions = {}): Promise<void> {
  const part = `${file}.part`
  const kept = await sizeOf(part)
  let response = await get(url, kept, options.signal)
  // 416: the part is as long as the file or longer, left by a try that broke after the last byte. Start over.
  if (response.status === 416) response = await get(url, 0, options.signal)
  if (!response.ok || !response.body) throw new Error(`${url}: HTTP ${response.status}`)
  const resumed = response.status === 206
  const length = Number(response.headers.get('content-length') ?? Number.NaN)
  let done = resumed ? kept : 0
  const total = Number.isNaN(length) ? undefined : done + length
  const output = await open(part, resumed ? 'a' : 'w')
  try {
    // Each chunk is in the file before the next is read, so that a broken connection loses none of it.
    for await (const chunk of response.body) {
      await output.write(chunk)
      done += chunk.length
      options.onBytes?.(done, total)
    }
  } finally {
    await output.close()
  }
  await rename(part, file)
}

function get(url: string, from: number, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {}
  return fetch(url, { headers, ...(signal && { signal }) })
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0
}
