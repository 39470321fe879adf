import { viewOf } from '../block/hash.ts'
import { STANDING, type ColumnName, type LevelNumber, type Role } from './column.ts'

/** Attribute keys and types of one section, beyond which an attribute is not given a column of its own. */
const MAX_COLUMNS = 1 << 12

/** The columns of a section that is being made; first those that every section has. */
export class Columns {
  readonly names: ColumnName[] = []
  /** Of their names. */
  readonly views: DataView[] = []
  readonly #numbers = new Map<string, number>()

  constructor() {
    for (const { level, role, type, name } of STANDING) this.number(level, role, type, name)
  }

  /** The number of a column, or -1 when there are too many. */
  number(level: LevelNumber, role: Role, type = 0, name: Uint8Array = NONE): number {
    const key = `${level} ${role} ${type} ${Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1')}`
    const number = this.#numbers.get(key)
    if (number !== undefined) return number
    if (this.names.length >= MAX_COLUMNS) return -1
    this.#numbers.set(key, this.names.length)
    const own = Uint8Array.from(name)
    this.views.push(viewOf(own))
    return this.names.push({ level, role, type, name: own }) - 1
  }
}

const NONE: Uint8Array = new Uint8Array()
