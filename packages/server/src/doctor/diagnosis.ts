import type { Attention, MendingLine } from '@spoor/collector'

/** Something that the doctor has found, with the way out. */
export type Diagnosis = Pick<Attention, 'code' | 'severity' | 'what' | 'mend' | 'lines'>

/** `http://user:***@host`. */
export function withoutPassword(text: string): string {
  return text.replace(/(?<=\/\/[^/@\s:]*:)[^/@\s]+(?=@)/g, '***')
}

export function env(name: string, value: string): MendingLine {
  return { kind: 'env', text: `${name}=${value}` }
}

export function shell(text: string): MendingLine {
  return { kind: 'shell', text }
}

/** A script of package.json set anew. */
export function setScript(script: string, command: string): MendingLine {
  return shell(`npm pkg set ${JSON.stringify(`scripts.${script}=${command}`)}`)
}

export function code(text: string): MendingLine {
  return { kind: 'code', text }
}

/** `error` where nothing is said: spans do not come to be, or are lost. */
export function diagnosis(
  name: string,
  what: string,
  mend: string,
  lines: readonly MendingLine[] = [],
  severity: Diagnosis['severity'] = 'error',
): Diagnosis {
  return {
    code: name,
    severity,
    what: withoutPassword(what),
    mend,
    lines: lines.map(({ kind, text }) => ({ kind, text: withoutPassword(text) })),
  }
}
