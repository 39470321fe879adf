import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import type { Plugin } from 'vite'

const toBrotli = promisify(brotliCompress)
const toGzip = promisify(gzip)

/** Smaller files gain nothing, in bytes. */
const leastBytes = 1024

/** A build step that writes a `.br` and a `.gz` beside each file, so that the server sends them compressed without work. */
export function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    async writeBundle({ dir }, bundle) {
      if (dir === undefined) return
      await Promise.all(
        Object.keys(bundle).map(async (name) => {
          const file = join(dir, name)
          const bytes = await readFile(file)
          if (bytes.length < leastBytes) return
          await writeFile(`${file}.br`, await toBrotli(bytes))
          await writeFile(`${file}.gz`, await toGzip(bytes, { level: 9 }))
        }),
      )
    },
  }
}
