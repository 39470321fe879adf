import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseClickHouseUrl, type ClickHouseAddress } from '../address.ts'
import { RowReader, RowWriter } from '../row-binary.ts'
import { decodeRow, type Row } from '../write/rows.test.helper.ts'

const HOUR_NS = 3_600_000_000_000n

/** What answers as a ClickHouse with one table does, to what migrating asks. */
export interface TestServer {
  readonly address: ClickHouseAddress
  /** What is stored. */
  readonly rows: Row[]
  /** Hears of each insert before it is stored; what it gives back is done in its place. */
  onInsert: ((answer: ServerResponse, store: () => void) => 'store' | 'done') | undefined
  readonly tokens: string[]
  close(): Promise<void>
}

export async function startTestServer(): Promise<TestServer> {
  const rows: Row[] = []
  const stored = new Set<string>()
  const tokens: string[] = []
  const server = createServer((request, answer) => void answerTo(request, answer))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const one: TestServer = {
    address: parseClickHouseUrl(`clickhouse://127.0.0.1:${port}/d`, {}),
    rows,
    onInsert: undefined,
    tokens,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return one

  async function answerTo(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const body = Buffer.concat(parts)
    const { searchParams } = new URL(request.url!, 'http://x')
    const sql = searchParams.get('query') ?? body.toString()
    if (!sql.startsWith('INSERT')) return void answer.end(selected(sql, searchParams))
    const token = searchParams.get('insert_deduplication_token')!
    tokens.push(token)
    const store = (): void => {
      if (!stored.has(token)) rows.push(...new RowReader().take(body, decodeRow))
      stored.add(token)
    }
    if (one.onInsert?.(answer, store) === 'done') return
    store()
    answer.end()
  }

  function selected(sql: string, parameters: URLSearchParams): Uint8Array {
    const out = new RowWriter()
    const value = (at: number): bigint => BigInt(parameters.get(`param_p${at}`)!)
    const chosen = (): Row[] =>
      rows.filter(({ SpoorStart: at }) => (at as bigint) >= value(0) && (at as bigint) < value(1))
    if (sql.includes('system.columns')) for (const name of ['SpoorSpan', 'SpoorBatch']) put(out, 'otel_traces', name)
    else if (sql.includes('system.processes')) out.int64(0)
    else if (sql.includes('max(SpoorBatch)')) {
      const brought = rows.map((row) => Number(row.SpoorBatch)).filter((batch) => batch < value(0))
      out.int64(Math.max(0, ...brought))
    } else if (sql.includes('GROUP BY hour'))
      for (const [hour, of] of Map.groupBy(chosen(), hourOf)) {
        out.int64(Number(hour))
        out.int64(of.length)
        word(
          out,
          of.reduce((sum, row) => sum + digestOf(row), 0n),
        )
      }
    else if (sql.includes('AS digest')) {
      const array = [...parameters.values()].find((text) => text.startsWith('['))!
      const hours = new Set([...array.matchAll(/\d+/g)].map(([digits]) => BigInt(digits)))
      const [, parts = '1', part = '0'] = /modulo\(bitShiftRight\(digest, 32\), (\d+)\) = (\d+)/.exec(sql) ?? []
      for (const row of chosen())
        if (hours.has(hourOf(row)) && (digestOf(row) >> 32n) % BigInt(parts) === BigInt(part)) word(out, digestOf(row))
    } else throw new Error(sql)
    return out.written
  }
}

function put(out: RowWriter, ...texts: string[]): void {
  for (const text of texts) out.text(text)
}

function word(out: RowWriter, value: bigint): void {
  const low = BigInt.asUintN(64, value)
  out.words(Number(low & 0xffff_ffffn), Number(low >> 32n))
}

const hourOf = ({ SpoorStart: at }: Row): bigint => (at as bigint) / HOUR_NS

function digestOf({ SpoorResource, SpoorScope, SpoorSpan }: Row): bigint {
  const md5 = createHash('md5')
  for (const bytes of [SpoorResource, SpoorScope, SpoorSpan]) md5.update(bytes as Uint8Array)
  return md5.digest().readBigUInt64LE(0)
}
