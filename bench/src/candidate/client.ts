import http from 'node:http'

export interface Answer {
  readonly status: number
  readonly body: Buffer
}

export type Get = (path: string) => Promise<Answer>

/** GET requests to a running program, over one kept connection, with the whole answer read. */
export function createClient(origin: string): Get {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const get: Get = (path) =>
    new Promise((resolve, reject) => {
      const request = http.get(new URL(path, origin), { agent }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }))
      })
      request.once('error', (error: NodeJS.ErrnoException) => {
        // The server has closed a connection on which nobody asked anything for a while.
        if (request.reusedSocket && error.code === 'ECONNRESET') get(path).then(resolve, reject)
        else reject(error)
      })
    })
  return get
}

/** The body of a 200. Rejects with what was answered instead. */
export async function okBody(get: Get, path: string): Promise<Buffer> {
  const { status, body } = await get(path)
  if (status !== 200) throw new Error(`${path} answered ${status}: ${body.toString()}`)
  return body
}
