import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Section } from '../context.ts'
import type { Figure } from '../figure.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const PAGE = new URL('../../../packages/server/page/', import.meta.url)

/** The views by the names of their modules. The search page is what the bare address shows. */
const VIEWS: readonly { view: string; name: string; goal?: Figure['goal'] }[] = [
  { view: 'search-page', name: 'search page', goal: { value: 150 } },
  { view: 'trace-page', name: 'trace page, from a link' },
]

/**
 * What a browser fetches before it shows something: what `index.html` names, and the view that the address asks for with
 * its workers.
 */
export const page: Section = {
  name: 'page',
  title: 'Page, first load',
  run(context) {
    context.progress('build of the page')
    execFileSync('npm', ['run', 'build', '-w', '@spoor/ui'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
    const eager = eagerFiles(read('index.html').toString())
    const entry = eager.map((file) => (file.endsWith('.js') ? read(file).toString() : '')).join('\n')
    const views = lazyViews(entry)
    const figures = VIEWS.map(({ view, name, goal }): Figure => {
      const lazy = views.find((found) => found.name === view)
      if (!lazy) throw new Error(`${view} is not found among what the page loads`)
      const files = new Set(['index.html', ...eager, ...lazy.files])
      for (const file of lazy.files) for (const worker of workersOf(read(file).toString())) files.add(worker)
      const bytes = [...files].reduce((sum, file) => sum + gzipSync(read(file)).length, 0)
      return { name, unit: 'kB', value: bytes / 1000, note: `${files.size} files, gzip`, ...(goal && { goal }) }
    })
    return Promise.resolve(figures)
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

/**
 * The parts that Vite's output loads when they are asked for, each with the files that Vite fetches together with it:
 * `import("./NAME-HASH.js")…__vite__mapDeps([…])`, numbers into the list that is `m.f`.
 */
export function lazyViews(script: string): { name: string; files: string[] }[] {
  const list = /\bm\.f=(\[[^\]]*\])/.exec(script)?.[1]
  const files = list === undefined ? [] : (JSON.parse(list) as string[])
  const views = script.matchAll(
    /import\([`"']\.\/([\w-]+)-[\w-]{8}\.js[`"']\)(?:(?!import\().)*?__vite__mapDeps\(\[([\d,]*)\]\)/g,
  )
  return [...views].map(([, name, numbers]) => ({
    name: name ?? '',
    files: (numbers ?? '').split(',').map((number) => {
      const file = files[Number(number)]
      if (file === undefined) throw new Error(`Vite's list of files has no ${number}`)
      return file
    }),
  }))
}

/** The worker scripts that a script names. */
const workersOf = (script: string): string[] =>
  [...script.matchAll(/\/(assets\/[\w-]+\.worker-[\w-]+\.js)/g)].map(([, file]) => file ?? '')

const read = (file: string): Buffer => readFileSync(new URL(file, PAGE))
