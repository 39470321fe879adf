/** The state of the setup page, as the URL holds it. */
export interface SetupUrl {
  /** A name of `senders.ts`; default the first. */
  readonly for?: string
}

export function readSetupUrl({ for: name }: Readonly<Record<string, unknown>>): SetupUrl {
  return typeof name === 'string' && /^[a-z]+$/.test(name) ? { for: name } : {}
}
