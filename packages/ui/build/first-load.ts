import { gzipSync } from 'node:zlib'
import type { Plugin, Rollup } from 'vite'

/**
 * A build step that adds up what a browser must load before a view can be used (the entry, everything that it imports statically, and the view's own chunk
 * and styles), gzipped, prints it as a table and fails the build where it is above `maxGzipBytes`, or what `maxGzipBytesOf` has for the view. A view is a dynamic import whose module is called `*-page.tsx`.
 */
export function firstLoad(options: {
  readonly maxGzipBytes: number
  readonly maxGzipBytesOf?: Readonly<Record<string, number>>
}): Plugin {
  const limitOf = (view: string) => options.maxGzipBytesOf?.[view] ?? options.maxGzipBytes

  return {
    name: 'first-load',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_output, bundle) {
        const loads = views(bundle).map((view) => ({ view: view.name, files: filesOf(bundle, view.chunks) }))
        const sizes = new Map<string, number>()
        const sizeOf = (file: string) => {
          const known = sizes.get(file)
          if (known !== undefined) return known
          const item = bundle[file]
          const size = item ? gzipSync(item.type === 'chunk' ? item.code : item.source, { level: 9 }).length : 0
          sizes.set(file, size)
          return size
        }
        const rows = loads.map(({ view, files }) => {
          const total = [...files].reduce((sum, file) => sum + sizeOf(file), 0)
          return { view, files: files.size, total }
        })
        const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`
        const lines = rows.map(
          ({ view, files, total }) =>
            `  ${view.padEnd(20)}${String(files).padStart(3)} files  ${kilobytes(total).padStart(9)}  of ${kilobytes(limitOf(view))}`,
        )
        this.info(`first load, gzipped\n${lines.join('\n')}`)
        const over = rows.filter((row) => row.total > limitOf(row.view))
        if (over.length > 0) {
          this.error(`first load of ${over.map((row) => row.view).join(', ')} is over its limit`)
        }
      },
    },
  }
}

function views(bundle: Rollup.OutputBundle): { name: string; chunks: Rollup.OutputChunk[] }[] {
  const chunks = Object.values(bundle).filter((item) => item.type === 'chunk')
  const entry = chunks.find((chunk) => chunk.isEntry)
  if (!entry) return []
  const pages = chunks.filter((chunk) => chunk.facadeModuleId?.endsWith('-page.tsx'))
  return [
    { name: 'frame', chunks: [entry] },
    ...pages.map((page) => ({ name: page.name.replace(/-page$/, ''), chunks: [entry, page] })),
  ]
}

/** The chunks, their static imports, and the styles of all of them. */
function filesOf(bundle: Rollup.OutputBundle, roots: readonly Rollup.OutputChunk[]): Set<string> {
  const files = new Set<string>()
  const visit = (name: string) => {
    if (files.has(name)) return
    const item = bundle[name]
    if (!item) return
    files.add(name)
    if (item.type !== 'chunk') return
    for (const file of item.imports) visit(file)
    for (const file of item.viteMetadata?.importedCss ?? []) visit(file)
  }
  for (const root of roots) visit(root.fileName)
  return files
}
