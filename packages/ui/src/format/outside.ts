/*
 * Text from outside in what this page says: a title, a label, a line on a canvas, a sentence with a name in it. An element of its own keeps what a text does to the direction of writing
 * to itself; within one text nothing does, so that what turns it is written as its number: `\u202E`.
 */

const turns = /[\u202A-\u202E\u2066-\u2069]/g
const numbers = /\\u(202[A-E]|206[6-9])/g

/** Longer names are not drawn as they are: nobody reads them, and each row would lay out all of it. Characters. */
const maxName = 1_000
/** Of what the API tells. */
const maxTold = 10_000

/** The text as it is shown, cut where it is longer than `most` characters. */
export function shown(text: string, most = maxName): string {
  return cut(text, most).replace(turns, numberOf)
}

/** The text that {@link shown} was made from, but for what was cut. */
export function unshown(text: string): string {
  return text.replace(numbers, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/** Reads JSON of the API with its texts as they are shown. Throws SyntaxError. */
export function parseShown(json: string): unknown {
  const safe = json.replace(turns, (turn) => `\\${numberOf(turn)}`)
  // Where there can be none that is too long they need not be looked at one by one.
  return safe.length > maxTold
    ? JSON.parse(safe, (_, value: unknown) => (typeof value === 'string' ? cut(value, maxTold) : value))
    : JSON.parse(safe)
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}

function numberOf(turn: string): string {
  return `\\u${turn.charCodeAt(0).toString(16).toUpperCase()}`
}
