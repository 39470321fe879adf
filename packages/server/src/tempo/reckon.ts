import type { Plan, PlanTree } from './metric-plan.ts'
import { applySecond, type Series } from './second-stage.ts'

type Sign = Extract<PlanTree, { op: 'math' }>['sign']

/** Series from what is counted, one question to the store after the other. `points`: of each. */
export async function reckoned(
  tree: PlanTree,
  points: number,
  count: (plan: Plan) => Promise<readonly Series[]>,
): Promise<readonly Series[]> {
  switch (tree.op) {
    case 'plan':
      return count(tree.plan)
    case 'number':
      return [{ labels: [], values: new Float64Array(points).fill(tree.value) }]
    case 'then':
      return applySecond(await reckoned(tree.of, points, count), tree.second)
    default: {
      const left = await reckoned(tree.left, points, count)
      const right = await reckoned(tree.right, points, count)
      if (tree.left.op === 'number') return right.map((series) => together(tree.sign, left[0]!, series, series))
      if (tree.right.op === 'number') return left.map((series) => together(tree.sign, series, right[0]!, series))
      const byLabels = new Map(right.map((series) => [keyOf(series), series]))
      return left.flatMap((series) => {
        const other = byLabels.get(keyOf(series))
        return other ? [together(tree.sign, series, other, { labels: labelsOf(series) })] : []
      })
    }
  }
}

/** What has no value on one side, or none that is a number, is left out. */
function together(sign: Sign, left: Series, right: Series, { labels }: Pick<Series, 'labels'>): Series {
  const values = left.values.map((a, point) => {
    const value = reckon(sign, a, right.values[point]!)
    return Number.isFinite(value) ? value : Number.NaN
  })
  return { labels, values }
}

function reckon(sign: Sign, a: number, b: number): number {
  switch (sign) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    default:
      return a / b
  }
}

/** Series of two functions are the same but for the name that one without labels has. */
function labelsOf({ labels }: Series): Series['labels'] {
  return labels.filter(({ key }) => key !== '__name__')
}

function keyOf(series: Series): string {
  return JSON.stringify(labelsOf(series))
}
