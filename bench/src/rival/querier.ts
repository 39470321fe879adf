/** Asks the rival's database, in a process of its own: `querier.ts <database file>`. */
import { ORDER_KEY } from 'spoor/loadgen'
import { answer, say } from '../process/child.ts'
import { timed } from '../process/timed.ts'
import { LATEST } from '../sections/asker.ts'
import { openDatabase } from './database.ts'

const [file] = process.argv.slice(2)
if (!file) throw new Error('usage: querier.ts <database file>')
const database = openDatabase(file)

answer({
  async trace(id: string) {
    const { ms, result } = await timed(() => database.trace(id))
    return { ms, spans: result.length }
  },
  async latest(service: string) {
    const { ms, result } = await timed(() => database.latest(service, LATEST))
    return { ms, ids: result }
  },
  async order(value: string) {
    const { ms, result } = await timed(() => database.byAttribute(ORDER_KEY, value, LATEST))
    return { ms, ids: result }
  },
})
say({})
