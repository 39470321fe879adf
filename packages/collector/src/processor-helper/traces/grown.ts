type Numbers = Uint8Array | Int32Array | Uint32Array | Float64Array

/** The same numbers in front, in an array of that length. */
export function grown<A extends Numbers>(array: A, length: number): A {
  const copy = new (array.constructor as new (length: number) => A)(length)
  copy.set(array)
  return copy
}
