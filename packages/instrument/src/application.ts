import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'

/** What the application's own package.json says of it. */
export interface Application {
  /** The folder of package.json, or of the script when there is none. */
  readonly directory: string
  readonly name: string | undefined
  /** Names of the packages that it depends on, of all kinds. */
  readonly dependencies: readonly string[]
  /** Resolves as a module of the application does. */
  readonly require: NodeJS.Require
}

/** Looks from the script that Node was started with, else from the working directory, upwards for a package.json. */
export function findApplication(script: string | undefined, workingDirectory: string): Application {
  const start = script === undefined ? workingDirectory : dirname(resolve(workingDirectory, script))
  for (let directory = start; ; directory = dirname(directory)) {
    const file = join(directory, 'package.json')
    if (existsSync(file)) return readApplication(directory, file)
    if (dirname(directory) === directory) return readApplication(start, undefined)
  }
}

function readApplication(directory: string, file: string | undefined): Application {
  const manifest = file === undefined ? {} : readManifest(file)
  return {
    directory,
    name: typeof manifest['name'] === 'string' ? manifest['name'] : undefined,
    dependencies: ['dependencies', 'optionalDependencies', 'devDependencies'].flatMap((kind) =>
      Object.keys((manifest[kind] as object | undefined) ?? {}),
    ),
    require: createRequire(join(directory, 'package.json')),
  }
}

function readManifest(file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    // A broken package.json is npm's to report; tracing works without.
    return {}
  }
}
