/** The same numbers, with room for as many more. */
export function doubled<A extends Int32Array | Uint32Array>(array: A): A {
  const grown = new (array.constructor as new (length: number) => A)(2 * array.length)
  grown.set(array)
  return grown
}
