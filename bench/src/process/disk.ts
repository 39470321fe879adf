import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'

/** Bytes of a file, with its journals, or of all files in a folder. */
export async function diskBytes(path: string): Promise<number> {
  if (!(await stat(path)).isDirectory()) return (await stat(path)).size
  return Object.values(await bytesByExtension(path)).reduce((sum, size) => sum + size, 0)
}

/** Bytes of all files in a folder, by what their names end in: `.log`, `.idx`, '' without. What is deleted meanwhile has none. */
export async function bytesByExtension(folder: string): Promise<Readonly<Record<string, number>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const bytes: Record<string, number> = {}
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const extension = extname(entry.name)
    bytes[extension] = (bytes[extension] ?? 0) + (await sizeOf(join(entry.parentPath, entry.name)))
  }
  return bytes
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

/** Makes the system forget what it has read of files. False where that is not allowed: it takes root. */
export function dropCaches(): boolean {
  try {
    execFileSync('sync')
    writeFileSync('/proc/sys/vm/drop_caches', '3')
    return true
  } catch {
    return false
  }
}
