/** What a Dockerfile says, of the instructions that ours use: docs.docker.com/reference/dockerfile. */

/** One instruction, with variables still in it. */
export interface Step {
  /** In capitals: `COPY`. */
  readonly instruction: string
  /** `--from=build` as `from: build`. */
  readonly flags: Readonly<Record<string, string>>
  /** Behind the flags. */
  readonly text: string
  readonly line: number
}

export interface Stage {
  readonly name: string
  /** Another stage, or an image. */
  readonly base: string
  readonly steps: readonly Step[]
}

export interface Dockerfile {
  /** `ARG`s before the first `FROM`. */
  readonly args: Readonly<Record<string, string>>
  readonly stages: readonly Stage[]
}

const KNOWN = /^(?:FROM|ARG|ENV|WORKDIR|COPY|RUN|USER|VOLUME|EXPOSE|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD)$/

/** @throws For an instruction that is not known here, with its line. */
export function parseDockerfile(text: string): Dockerfile {
  const args: Record<string, string> = {}
  const stages: { name: string; base: string; steps: Step[] }[] = []
  for (const step of steps(text)) {
    const stage = stages.at(-1)
    if (step.instruction === 'FROM') {
      const [, base, name] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(step.text) ?? []
      if (base === undefined) throw new Error(`line ${step.line}: FROM ${step.text}: write FROM image AS name`)
      stages.push({ base: substitute(base, args), name: name ?? String(stages.length), steps: [] })
    } else if (stage) stage.steps.push(step)
    else if (step.instruction === 'ARG') Object.assign(args, argOf(step.text))
    else throw new Error(`line ${step.line}: ${step.instruction} before the first FROM`)
  }
  return { args, stages }
}

/** `NAME=default`, or `NAME`. */
export function argOf(text: string): Record<string, string> {
  const at = text.indexOf('=')
  return at < 0 ? { [text]: '' } : { [text.slice(0, at)]: unquoted(text.slice(at + 1)) }
}

/** `A=1 B="two words"`. */
export function pairsOf(text: string): Record<string, string> {
  return Object.assign({}, ...words(text).map(argOf)) as Record<string, string>
}

/** `${NAME}` and `$NAME`; what is not known is empty, as Docker has it. */
export function substitute(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$(?:\{(\w+)\}|(\w+))/g,
    (_, braced?: string, plain?: string) => values[braced ?? plain ?? ''] ?? '',
  )
}

/** `["node", "main.js"]`; undefined for the form that needs a shell. */
export function execForm(text: string): readonly string[] | undefined {
  if (!text.startsWith('[')) return undefined
  const value: unknown = JSON.parse(text)
  if (!Array.isArray(value) || value.some((word) => typeof word !== 'string'))
    throw new Error(`${text}: not a list of words`)
  return value as string[]
}

/** Words as a shell splits them: quotes hold them together. */
export function words(text: string): string[] {
  return [...text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) => unquoted(word))
}

function unquoted(text: string): string {
  return text.replaceAll(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? '')
}

function* steps(text: string): Generator<Step> {
  const lines = text.split('\n')
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1
    let whole = lines[index]!.trim()
    if (whole === '' || whole.startsWith('#')) continue
    while (whole.endsWith('\\')) whole = `${whole.slice(0, -1)}${(lines[++index] ?? '').trim()}`
    const [, name = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(whole) ?? []
    const instruction = name.toUpperCase()
    if (!KNOWN.test(instruction)) throw new Error(`line ${line}: ${name} is no instruction that is known here`)
    const flags: Record<string, string> = {}
    let behind = rest
    for (let found; (found = /^--([\w-]+)(?:=(\S+))?\s+/.exec(behind)); behind = behind.slice(found[0].length))
      flags[found[1]!] = found[2] ?? ''
    yield { instruction, flags, text: behind, line }
  }
}
