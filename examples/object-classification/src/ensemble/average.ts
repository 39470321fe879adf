/** Several models' opinions as one. */

/**
 * The mean of each class's probability.
 *
 * @param opinions One list a model, all of the same length; at least one.
 * @throws When there is none, or the lengths differ.
 */
export function average(opinions: readonly (readonly number[])[]): number[] {
  const [first] = opinions
  if (!first) throw new Error('there is nothing to average')
  const odd = opinions.find((opinion) => opinion.length !== first.length)
  if (odd) throw new Error(`the models disagree on the number of classes: ${first.length} and ${odd.length}`)
  return first.map((_, index) => opinions.reduce((sum, opinion) => sum + (opinion[index] ?? 0), 0) / opinions.length)
}
