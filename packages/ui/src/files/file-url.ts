/** The state of the page of an opened file, as the URL holds it. */
export interface FileUrl {
  readonly name?: string
}

export function readFileUrl({ name }: Readonly<Record<string, unknown>>): FileUrl {
  return typeof name === 'string' && name !== '' ? { name } : {}
}
