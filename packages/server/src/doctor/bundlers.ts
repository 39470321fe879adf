/** Bundlers that put an application's packages into it, by scripts of package.json and by files of their own. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { code, type Diagnosis, diagnosis, setScript } from './diagnosis.ts'

/** A bundle has its packages inside, where nothing can patch them. */
export function checkBundlerScripts(scripts: Readonly<Record<string, string>>, found: Diagnosis[]): void {
  for (const [script, command] of Object.entries(scripts)) {
    const mended = withoutPackages(command)
    if (mended === undefined) continue
    found.push(
      diagnosis(
        'bundled',
        `The script ${script} bundles the packages into the application: instrumentations never see them.`,
        'Leave packages outside of the bundle.',
        [setScript(script, mended)],
      ),
    )
  }
}

/** A command of a bundler for Node, as it leaves packages outside; undefined where it is none, or does. */
function withoutPackages(command: string): string | undefined {
  if (/--packages[= ]external|--external\b/.test(command)) return undefined
  if (/\besbuild\b.*--bundle/.test(command) && /--platform=node/.test(command))
    return command.replace('--bundle', '--bundle --packages=external')
  if (/\bbun build\b/.test(command) && /--target[= ](?:node|bun)/.test(command))
    return command.replace('bun build', 'bun build --packages external')
  return undefined
}

interface BundlerFile {
  readonly names: readonly string[]
  readonly bundles: RegExp
  readonly isForNode: RegExp
  readonly leavesOut: RegExp
  /** To be written into it. */
  readonly line: string
}

const BUNDLER_FILES: readonly BundlerFile[] = [
  {
    names: ['build', 'esbuild', 'esbuild.config', 'scripts/build', 'scripts/esbuild'].flatMap((name) =>
      ['.js', '.mjs', '.cjs', '.ts'].map((end) => name + end),
    ),
    bundles: /\besbuild\b[\s\S]*\bbundle\s*:\s*true/,
    isForNode: /\bplatform\s*:\s*["']node["']/,
    leavesOut: /\bpackages\s*:\s*["']external["']|\bexternal\s*:/,
    line: "packages: 'external',",
  },
  {
    names: ['webpack.config.js', 'webpack.config.cjs', 'webpack.config.mjs', 'webpack.config.ts'],
    bundles: /[\s\S]/,
    isForNode: /\btarget\s*:\s*["'](?:async-)?node/,
    leavesOut: /\bexternals\s*:/,
    line: 'externals: [({ request }, done) => (/^[@a-z]/i.test(request) ? done(null, `commonjs ${request}`) : done())],',
  },
]

/** Bundlers that are told what to do by a file. */
export function checkBundlerFiles(directory: string, found: Diagnosis[]): void {
  for (const { names, bundles, isForNode, leavesOut, line } of BUNDLER_FILES) {
    const name = names.find((one) => existsSync(join(directory, one)))
    if (name === undefined) continue
    const text = readFileSync(join(directory, name), 'utf8')
    if (!bundles.test(text) || !isForNode.test(text) || leavesOut.test(text)) continue
    found.push(
      diagnosis(
        'bundled',
        `${name} bundles the packages into the application: instrumentations never see them.`,
        'Leave packages outside of the bundle.',
        [code(line)],
      ),
    )
  }
}
