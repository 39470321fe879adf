import type { Oracle } from './oracle.ts'
import type { Random } from './random.ts'
import { allIn, hitBy, hitSections } from './rot.ts'
import type { Inode } from './simulated-disk.ts'
import { DIRECTORY, type SimulatedMachine } from './simulated-machine.ts'

/** Lets files of the store rot, and tells the oracle what is lost with that. */
export class BitRot {
  readonly #machine: SimulatedMachine
  readonly #random: Random
  readonly #oracle: Oracle
  /** Logs of which something has rotted, and which of their files. */
  readonly #rotten = new Map<Inode, string>()

  constructor(machine: SimulatedMachine, random: Random, oracle: Oracle) {
    this.#machine = machine
    this.#random = random
    this.#oracle = oracle
  }

  /** Bytes of one file change: one, or up to a sector. `chosen`: of these. */
  strike(chosen: (name: string) => boolean = () => true): void {
    const files = this.#machine.disk.contents(DIRECTORY)
    const mayRot = [...files].filter(([name]) => chosen(name))
    if (mayRot.length === 0) return
    const [name, inode] = this.#random.pick(mayRot)
    const at = this.#random.int(0, Math.max(0, inode.size - 1))
    // A directory of which nothing can be known any more is not Spoor's.
    const end = at + (name === 'FORMAT' ? 1 : this.#random.pick([1, 64, 512]))
    // Zeros up to the end are what a file is left with that was lengthened and then not written.
    const canBeZeros = inode.bytes.subarray(end, inode.size).some((byte) => byte !== 0)
    const zeros = this.#random.chance(0.5) && canBeZeros
    this.#machine.note(`${name} rots from ${at} to ${end} of ${inode.size}${zeros ? ', zeros' : ''}`)
    const oracle = this.#oracle
    oracle.rotted([], 'certain')
    const log = files.get(name.replace(/idx$/, 'log'))
    if (log && name.endsWith('.log')) {
      const { spans, isTail } = hitBy(inode, at, end)
      oracle.rotted(spans, isTail ? 'tail' : 'certain')
    }
    // Where its log is still there, that has all of it.
    if (name.endsWith('.seal') && !files.has(name.replace(/seal$/, 'log'))) {
      // A section is lost with its bytes, or with its head where something else was hit before: the directory, or the header.
      const isFirst = !this.#rotten.has(inode)
      this.#rotten.set(inode, name)
      oracle.rotted(isFirst ? hitSections(inode, at, end) : hitSections(inode, 0, Infinity), 'certain')
    }
    inode.rot(at, end, (byte) => (zeros ? 0 : byte ^ 0x55))
    if (!log || name === 'FORMAT' || name.endsWith('.seal')) return
    // What the index has lost is made again from the log, block by block: where both are damaged, a block may be gone.
    const before = this.#rotten.get(log) ?? name
    this.#rotten.set(log, before)
    if (before !== name) oracle.rotted(allIn(log), 'certain')
  }
}
