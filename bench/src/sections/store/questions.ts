import { countSpans } from '@spoor/otlp'
import type { StoreCorpus } from 'spoor/loadgen'
import { okBody, type Get } from '../../candidate/client.ts'
import type { Budget, Question } from './ask.ts'
import { cursorOf, PAGE, search, told, type Search } from './search.ts'
import type { Picker, StoredTrace } from './subjects.ts'
import { WORDS } from './words.ts'

/** Different traces that are asked for by id, and values of the rare attribute. */
const IDS = 200
const VALUES = 40

/** The page that is compared with the first one. */
const LATER_PAGE = 20

/** The questions to a filled store. `day`: the bounds of the one that holds all of it, nanoseconds since 1970. */
export async function questionsOf(
  corpus: StoreCorpus,
  get: Get,
  picker: Picker,
  day: { readonly from: string; readonly to: string },
): Promise<readonly Question[]> {
  const { common, greater, pattern, apart, long, services } = WORDS[corpus]
  const of = (q: string, parameters: Readonly<Record<string, string>>, least = 1): Search => ({ q, parameters, least })
  const newest = { order: 'newest' }
  const longest = { order: 'longest' }
  const service = of(`service:${services[0] ?? ''}`, newest, PAGE)
  const longestOfDay = of('', { ...longest, ...day }, PAGE)
  return [
    byId('by id', get, picker, Array.from({ length: IDS }, picker.pick)),
    absentId(get, picker),
    latest(get, picker, services),
    searching('20 longest of a day', get, longestOfDay, { p95: 100 }),
    searching('one common attribute, newest', get, of(common, newest, PAGE), { p95: 50 }),
    await rareValue(get, picker, WORDS[corpus].rareKey),
    searching('attribute > n, newest', get, of(greater, newest), { p95: 200 }),
    searching('attribute > n, longest', get, of(greater, longest), { p95: 200 }),
    searching('regex over 10,000 values, newest', get, of(pattern, newest), { p95: 100 }),
    searching('regex over 10,000 values, longest', get, of(pattern, longest), { p95: 100 }),
    searching('two common values that never meet', get, of(apart, newest, 0), { p95: 300 }),
    searching('bound on the duration, newest', get, of('', { ...newest, minTraceDuration: long }, 0)),
    searching('page 1 of a service', get, service),
    await laterPage(`page ${LATER_PAGE} of a service`, get, service),
    searching('page 1 of the longest', get, longestOfDay),
    await laterPage(`page ${LATER_PAGE} of the longest`, get, longestOfDay),
  ]
}

/** Asks for these traces in turn, and counts their spans. */
export const byId = (name: string, get: Get, { spansOf }: Picker, traces: readonly StoredTrace[]): Question => ({
  name,
  times: traces.length,
  budget: { p95: 6, cpu: 2 },
  async ask(turn) {
    const stored = traces[turn % traces.length]
    if (!stored) throw new RangeError('no trace to ask for')
    const spans = countSpans(await okBody(get, `/api/spoor/v1/traces/${stored.id}`))
    if (spans !== spansOf(stored)) {
      throw new Error(`trace ${stored.id} has ${spansOf(stored)} spans, and the answer ${spans}`)
    }
  },
})

const absentId = (get: Get, { random }: Picker): Question => ({
  name: 'absent id',
  times: IDS,
  budget: { p95: 1 },
  async ask() {
    const id = Buffer.from(random.bytes(16)).toString('hex')
    const { status } = await get(`/api/spoor/v1/traces/${id}`)
    if (status !== 404) throw new Error(`trace ${id} was never sent, and the answer is ${status}`)
  },
})

const latest = (get: Get, { random }: Picker, services: readonly string[]): Question => ({
  name: `latest ${PAGE} of a service`,
  times: 100,
  budget: { p95: 20, cpu: 8 },
  async ask() {
    await search(get, { q: `service:${random.pick(services)}`, parameters: { order: 'newest' }, least: 1 })
  },
})

async function rareValue(get: Get, picker: Picker, key: string): Promise<Question> {
  const values: { readonly value: string; readonly id: string }[] = []
  while (values.length < VALUES) values.push(await picker.valueOf(get, key))
  return {
    name: 'rare value of a frequent key',
    times: 100,
    budget: { p95: 60 },
    async ask(turn) {
      const { id, value } = values[turn % values.length] ?? { id: '', value: '' }
      const page = await search(get, { q: `${key}:${value}`, parameters: { order: 'newest' }, least: 1 })
      if (page.complete && !page.traces.some(({ traceId }) => traceId === id)) {
        throw new Error(`${key} ${value} is in trace ${id}, and is not found there`)
      }
      return told(page)
    },
  }
}

const searching = (name: string, get: Get, asked: Search, budget: Budget = {}, cursor?: string): Question => ({
  name,
  times: 30,
  budget,
  ask: async () => told(await search(get, asked, cursor)),
})

const laterPage = async (name: string, get: Get, asked: Search): Promise<Question> =>
  searching(name, get, asked, {}, await cursorOf(get, asked, LATER_PAGE))
