import { readFileSync } from 'node:fs'

/** The version of the package, `0.1.0`. The file lies beside `src/` and `dist/`. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
