import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { StoreEvent } from '../../events.ts'
import type { FileSystem } from './file-system.ts'
import { readExactly } from './log.ts'
import { replaceFile } from './swap.ts'

/*
 * The traces that somebody has pinned, in a file of the data directory: a line with the checksum of the others, as 8 hex digits, and one for each pin, with
 * the trace's id and when it was pinned (milliseconds since 1970).
 */

export const PINS = 'PINS'
/** Pins of a store, at most. */
export const MAX_PINS = 10_000

const LINE = /^([0-9a-f]{32}) (\d{1,16})$/

/** By trace id, when it was pinned; in that order. */
export type Pins = ReadonlyMap<string, number>

/** Of a file that is damaged what can still be read, and that is told. Throws what the file system throws. */
export function readPins(files: FileSystem, directory: string, tell: (event: StoreEvent) => void): Map<string, number> {
  const path = join(directory, PINS)
  const pins = new Map<string, number>()
  if (!files.stat(path)) return pins
  const file = files.open(path, 'read')
  try {
    const bytes = file.size()
    const text = readExactly(file, 0, bytes).toString('latin1')
    for (const line of text.split('\n')) {
      const [, id, ms] = LINE.exec(line) ?? []
      if (id !== undefined) pins.set(id, Number(ms))
    }
    if (text !== textOf(pins))
      tell({ code: 'damaged', file: PINS, offset: 0, bytes, maxSpans: 0, perhaps: false, kept: undefined })
    return pins
  } finally {
    file.close()
  }
}

/** Durable when it returns; before that the file is what it was. */
export function writePins(files: FileSystem, directory: string, pins: Pins): void {
  replaceFile(files, join(directory, PINS), Buffer.from(textOf(pins)))
  files.syncDirectory(directory)
}

function textOf(pins: Pins): string {
  const lines = [...pins].map(([id, ms]) => `${id} ${ms}\n`).join('')
  return `${crc32(lines).toString(16).padStart(8, '0')}\n${lines}`
}
