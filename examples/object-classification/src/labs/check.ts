/**
 * Checks an answer to a lab against what is stored, and counts those that are wrong. There are few places at which
 * something can go wrong, and few traces in a run: who may try as often as he likes, and hears of each part, needs
 * none of them.
 */
import type { Lab, Solution } from './lab.ts'
import type { LabRun } from './run.ts'
import type { LabSpan } from './spans.ts'

/** Wrong answers to one run of a lab. After them it has to be begun again, and is another one. */
export const MOST_WRONG = 3

/** What came of an answer. */
export interface Checked {
  readonly right: boolean
  /** It is one of those that are counted. */
  readonly wrong: boolean
  /** What is said of it. */
  readonly lines: readonly string[]
}

/**
 * Each part has to be there and right. What is missing, or was not asked for, makes it no answer yet, and is told. Of
 * the parts the first that is not right is told, and nothing of those behind it.
 *
 * @throws When the lab was answered wrongly too often.
 */
export function checkAnswer(
  lab: Lab,
  { wrongAnswers = 0 }: Pick<LabRun, 'wrongAnswers'>,
  spans: readonly LabSpan[],
  given: Readonly<Record<string, string>>,
): Checked {
  const again = `npm run lab -- ${lab.number}`
  if (wrongAnswers >= MOST_WRONG)
    throw new Error(`lab ${lab.number} was answered wrongly ${MOST_WRONG} times; begin it again: ${again}`)
  const lacking = incomplete(lab, given)
  if (lacking.length > 0) return { right: false, wrong: false, lines: lacking.map((text) => `✗ ${text}`) }
  const part = firstWrong(lab, lab.solve(spans), given)
  if (part === undefined)
    return { right: true, wrong: false, lines: [`✓ Right. That was lab ${lab.number}: ${lab.title}`] }
  const parts = Object.keys(lab.answer)
  const fine = parts.slice(0, parts.indexOf(part)).map((key) => `✓ ${key} is right`)
  const left = MOST_WRONG - wrongAnswers - 1
  const more =
    left === 0 ? `That was the last answer; begin it again: ${again}` : `${left} more answer${left === 1 ? '' : 's'}`
  return { right: false, wrong: true, lines: [...fine, `✗ ${part} is not right`, `  ${more}`] }
}

/** What of an answer is not there, or was not asked for. */
export function incomplete({ answer }: Pick<Lab, 'answer'>, given: Readonly<Record<string, string>>): string[] {
  const unknown = Object.keys(given).filter((key) => !(key in answer))
  const missing = Object.entries(answer).filter(([key]) => (given[key] ?? '').trim() === '')
  return [
    ...unknown.map((key) => `${key} was not asked for`),
    ...missing.map(([key, what]) => `${key} is missing: ${what}`),
  ]
}

/** The first part that is not right, in the order in which they are asked for. @returns undefined where all are. */
export function firstWrong(
  { answer }: Pick<Lab, 'answer'>,
  solution: Solution,
  given: Readonly<Record<string, string>>,
): string | undefined {
  return Object.keys(answer).find((key) => !solution[key]?.((given[key] ?? '').trim()))
}
