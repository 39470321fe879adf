// Before `npm pack` of packages/server: copies the built page beside its `dist/`, since a package can hold only what lies below it. After it: removes the copy,
// which a Spoor of the workspace would otherwise go on serving when the page has long been built anew. Started by npm, in packages/server.
import { cpSync, existsSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const copy = join(root, 'packages', 'server', 'page')
const built = join(root, 'packages', 'ui', 'dist', 'page')

rmSync(copy, { recursive: true, force: true })
if (process.argv[2] === 'make') {
  if (!existsSync(join(built, 'index.html'))) {
    process.stderr.write(`${built}: the page is not built, and would be missing in the package: run "npm run build"\n`)
    process.exit(1)
  }
  cpSync(built, copy, { recursive: true })
}
