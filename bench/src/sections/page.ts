import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Section } from '../context.ts'

const PAGE = new URL('../../../packages/ui/dist/page/', import.meta.url)

/** What a browser fetches before it shows something. */
export const page: Section = {
  name: 'page',
  title: 'Page',
  async run(context) {
    context.progress('first load of the page')
    const files = ['index.html', ...eagerFiles(read('index.html').toString())]
    const bytes = files.reduce((sum, file) => sum + gzipSync(read(file)).length, 0)
    const note = `${files.length} files: index.html and the scripts, preloads and styles that it names`
    return [{ name: 'first load, gzip', unit: 'kB', value: bytes / 1000, goal: { value: 150 }, note }]
  },
}

/** The scripts, preloaded modules and style sheets of an HTML file, without those of other sites. */
export function eagerFiles(html: string): string[] {
  const files = new Set<string>()
  for (const [tag] of html.matchAll(/<(?:script|link)\b[^>]*>/g)) {
    const attribute = (name: string) => new RegExp(`\\b${name}=["']([^"']+)["']`).exec(tag)?.[1]
    const relation = attribute('rel')
    const eager = tag.startsWith('<script') || relation === 'modulepreload' || relation === 'stylesheet'
    const file = attribute('src') ?? attribute('href')
    if (eager && file && !/^(?:[a-z]+:)?\/\//.test(file)) files.add(file.replace(/^(?:\.?\/)/, ''))
  }
  return [...files]
}

function read(file: string): Buffer {
  const path = fileURLToPath(new URL(file, PAGE))
  try {
    return readFileSync(path)
  } catch (error) {
    throw new Error(`the page is not built (${file} is missing in packages/ui/dist/page): npm run build -w @spoor/ui`, {
      cause: error,
    })
  }
}
