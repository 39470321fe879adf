import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, delimiter, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** What has to be known of the machine to run a command traced. */
export interface Lookup {
  /** The language of a script, by its first line; undefined for a program of its own. */
  interpreter(command: string): 'node' | 'python' | undefined
  /** URL of `@spoor/instrument/register`: the application's own, or the one that came with Spoor. */
  register(): string | undefined
  /** `opentelemetry-instrument` of the environment that a command of Python belongs to. */
  pythonInstrument(command: string): string | undefined
  /** OpenTelemetry's agent for Java. */
  javaAgent(): string | undefined
  /** The name of the working directory. */
  folder(): string
}

export function createLookup(directory: string, env: NodeJS.ProcessEnv): Lookup {
  const find = (command: string): string | undefined => {
    if (command.includes('/')) return existing(resolve(directory, command))
    for (const folder of (env['PATH'] ?? '').split(delimiter)) {
      const file = existing(join(folder, command))
      if (file !== undefined) return file
    }
    return undefined
  }
  return {
    interpreter(command) {
      const file = find(command)
      const line = file === undefined ? '' : firstLine(file)
      if (!line.startsWith('#!')) return undefined
      if (/\bnode\b/.test(line)) return 'node'
      return /\bpython[\d.]*\b/.test(line) ? 'python' : undefined
    },
    register() {
      for (const from of [join(directory, 'package.json'), import.meta.filename]) {
        try {
          return pathToFileURL(createRequire(from).resolve('@spoor/instrument/register')).href
        } catch {
          // It is not installed there.
        }
      }
      return undefined
    },
    pythonInstrument(command) {
      const name = 'opentelemetry-instrument'
      const file = find(command)
      // Beside the command first: another one in PATH may belong to another Python.
      return (file === undefined ? undefined : existing(join(dirname(file), name))) ?? find(name)
    },
    javaAgent: () => existing(join(directory, 'opentelemetry-javaagent.jar')),
    folder: () => basename(directory) || 'app',
  }
}

function existing(file: string): string | undefined {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ? file : undefined
}

function firstLine(file: string): string {
  const bytes = Buffer.alloc(256)
  try {
    const handle = openSync(file, 'r')
    try {
      return bytes.toString('latin1', 0, readSync(handle, bytes)).split('\n', 1)[0]!
    } finally {
      closeSync(handle)
    }
  } catch {
    // It may be run and not read.
    return ''
  }
}
