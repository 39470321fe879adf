/** The process environment, or a stand-in for it. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads variables as the OpenTelemetry specification says: an empty value counts as unset; a value that cannot be
 * understood is reported and counts as unset. `report` gets one sentence a mistake.
 */
export function createEnvironmentReader(env: Environment, report: (finding: string) => void) {
  const told = new Set<string>()

  /** Without quotes around it, which files for `docker --env-file` and the like do not take off. */
  function valueOf(name: string): string | undefined {
    const value = env[name]?.trim()
    const inside = value === undefined ? undefined : /^(["'])(.*)\1$/s.exec(value)?.[2]
    if (inside === undefined) return value
    if (!told.has(name)) {
      told.add(name)
      const meant = name.endsWith('HEADERS') ? 'it without' : `${name}=${inside}`
      report(`${name} has quotes around its value, which whoever set it did not take off; write ${meant}`)
    }
    return inside.trim()
  }

  /** The first of these variables that is set, with its name. */
  function find(names: readonly string[]): { name: string; value: string } | undefined {
    for (const name of names) {
      const value = valueOf(name)
      if (value) return { name, value }
    }
    return undefined
  }

  return {
    find,

    text(...names: string[]): string | undefined {
      return find(names)?.value
    },

    number(names: readonly string[], minimum: number): number | undefined {
      const found = find(names)
      if (!found) return undefined
      const number = Number(found.value)
      if (Number.isFinite(number) && number >= minimum) return number
      report(`${found.name}="${found.value}" is not a number of at least ${minimum}; the default is used`)
      return undefined
    },

    choice<T extends string>(names: readonly string[], choices: readonly T[]): T | undefined {
      const found = find(names)
      if (!found) return undefined
      const choice = choices.find((candidate) => candidate === found.value.toLowerCase())
      if (choice === undefined) {
        report(`${found.name}="${found.value}" is not one of ${choices.join(', ')}; the default is used`)
      }
      return choice
    },

    boolean(name: string, fallback = false): boolean {
      const value = valueOf(name)?.toLowerCase()
      if (value === 'true' || value === '1') return true
      if (value === 'false' || value === '0') return false
      if (value) report(`${name}="${value}" is neither true nor false; ${fallback} is used`)
      return fallback
    },

    list(...names: string[]): string[] | undefined {
      return find(names)
        ?.value.split(',')
        .map((entry) => entry.trim())
        .filter(Boolean)
    },
  }
}

export type EnvironmentReader = ReturnType<typeof createEnvironmentReader>
