/**
 * Files that were put aside when they were full: `spans.json` becomes `spans-2026-11-29T20-30-00.123.json`. Names and rules are those of
 * lumberjack, which the OpenTelemetry Collector uses.
 */
import { readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import type { RotationConfig } from './config.ts'

const STAMP = /^(\d{4})-(\d\d)-(\d\d)T(\d\d)-(\d\d)-(\d\d)\.(\d{3})$/
const DAY_MS = 86_400_000

/** Puts the file aside under the name of this time, or of the next milliseconds where that is taken. */
export async function putAside(path: string, time: Date, { localtime }: RotationConfig): Promise<void> {
  for (let ms = time.getTime(); ; ms++) {
    const name = backupName(path, new Date(ms), localtime)
    if (await isThere(name)) continue
    await rename(path, name)
    return
  }
}

/** Deletes those that are too many or too old. */
export async function removeOld(path: string, now: Date, config: RotationConfig): Promise<void> {
  const { max_backups: maxBackups, max_days: maxDays } = config
  const extension = extname(path)
  const start = `${basename(path, extension)}-`
  const names = await readdir(dirname(path))
  const backups = names
    .flatMap((name) => {
      if (!name.startsWith(start) || !name.endsWith(extension)) return []
      const time = parseStamp(name.slice(start.length, name.length - extension.length), config.localtime)
      return time === undefined ? [] : [{ name, time }]
    })
    .sort((a, b) => b.time - a.time)
  const old = backups.filter(
    ({ time }, index) =>
      (maxBackups > 0 && index >= maxBackups) || (maxDays > 0 && time < now.getTime() - maxDays * DAY_MS),
  )
  for (const { name } of old) await unlink(join(dirname(path), name))
}

function backupName(path: string, time: Date, isLocal: boolean): string {
  const shifted = isLocal ? new Date(time.getTime() - time.getTimezoneOffset() * 60_000) : time
  const stamp = shifted.toISOString().slice(0, -1).replaceAll(':', '-')
  const extension = extname(path)
  return join(dirname(path), `${basename(path, extension)}-${stamp}${extension}`)
}

function parseStamp(text: string, isLocal: boolean): number | undefined {
  const found = STAMP.exec(text)
  if (!found) return undefined
  const [year, month, ...rest] = found.slice(1).map(Number) as [number, number, number, number, number, number, number]
  return isLocal ? new Date(year, month - 1, ...rest).getTime() : Date.UTC(year, month - 1, ...rest)
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
