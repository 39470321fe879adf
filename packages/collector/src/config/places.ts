/** A path into a configuration: keys of mappings, indexes of lists. */
export type Path = readonly (string | number)[]

/** Where something was written. */
export interface Place {
  /** The file, or what else the text came from, as it was named. */
  readonly file: string
  /** From 1; 0 where the text is one line of the command line, of which no place has to be told. */
  readonly line: number
  readonly column: number
}

/** Where each value of a configuration was written, whichever text it came from; and what of how it was written is not in the value. */
export class Places {
  readonly #places = new Map<string, Place>()
  readonly #doubles = new Set<string>()

  /** A later text says it anew: its place is the one that is told. */
  mark(path: Path, place: Place): void {
    this.#places.set(JSON.stringify(path), place)
  }

  /** The nearest place that was written: of the path itself, or of what holds it. */
  nearest(path: Path): Place | undefined {
    for (let length = path.length; length >= 0; length--) {
      const place = this.#places.get(JSON.stringify(path.slice(0, length)))
      if (place) return place
    }
    return undefined
  }

  /** A number without a fraction was written with one, or with an exponent (`1.0`), or was not: the later text counts. */
  markDouble(path: Path, isDouble: boolean): void {
    if (isDouble) this.#doubles.add(JSON.stringify(path))
    else if (this.#doubles.size > 0) this.#doubles.delete(JSON.stringify(path))
  }

  isDouble(path: Path): boolean {
    return this.#doubles.has(JSON.stringify(path))
  }
}
