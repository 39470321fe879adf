/** The index of the bucket of a value: the first whose upper bound is not below it, as many as there are bounds for one above all. */
export function explicitIndex(bounds: readonly number[], value: number): number {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (bounds[middle]! >= value) high = middle
    else low = middle + 1
  }
  return low
}
