import { readFileSync, statSync } from 'node:fs'

/** A script of more bytes is not looked at. */
const maxBytes = 32 * 1024 * 1024
/** What esbuild, rollup, rolldown and webpack leave in what they make, unless they are told to make it small. */
const traces = /\b(__commonJS|__commonJSMin|__toESM|__webpack_require__|__webpack_modules__)\b|node_modules\/[@\w]/
/** Characters of a line, on average, that nobody writes. */
const minifiedLine = 1_000

/** Whether a script has been made by a bundler, and so has libraries in it that are never loaded as modules. */
export function isBundle(script: string | undefined): boolean {
  try {
    if (script === undefined || statSync(script).size > maxBytes) return false
    const text = readFileSync(script, 'utf8')
    return traces.test(text) || (text.length > 50_000 && text.length / text.split('\n').length > minifiedLine)
  } catch {
    // A folder, for which Node looks for its index, or what was there when it started.
    return false
  }
}
