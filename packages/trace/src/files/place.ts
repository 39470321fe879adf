/** Where something is in a file: bytes from its beginning, after decompression; and the line, of text. */
export interface Place {
  readonly offset: number
  /** From 1; undefined in binary forms. */
  readonly line?: number
  /** Bytes from the line's beginning, from 1. */
  readonly column?: number
}

export function placeText({ offset, line, column }: Place): string {
  return line === undefined ? `byte ${offset}` : `line ${line}, column ${column} (byte ${offset})`
}

/** Input that cannot be read as what it should be. */
export class InputProblem extends Error {
  override readonly name = 'InputProblem'
  readonly place: Place
  constructor(place: Place, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.place = place
  }
}
