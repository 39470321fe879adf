/** Who asks the application under test, and whom it asks: both in one process that is not measured. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { answer, say } from '../process/child.ts'

export interface AskOrder {
  readonly url: string
  readonly requests: number
}

/** Requests under way at a time. */
const SENDERS = 8

const stock = http.createServer((_, response) => response.end('{"left":3}'))
await new Promise<void>((resolve) => void stock.listen(0, '127.0.0.1', resolve))
const headers = { 'x-stock': `http://127.0.0.1:${(stock.address() as AddressInfo).port}` }
const agent = new http.Agent({ keepAlive: true })

answer({
  async ask({ url, requests }: AskOrder) {
    let left = requests
    const sender = async (): Promise<void> => {
      while (left-- > 0) await one(`${url}/order/${left}`)
    }
    await Promise.all(Array.from({ length: SENDERS }, sender))
  },
})
say({})

function one(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { agent, headers }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`${url}: HTTP ${response.statusCode}`))
        response.resume().on('end', resolve)
      })
      .on('error', reject)
  })
}
