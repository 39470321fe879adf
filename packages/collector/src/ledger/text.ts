/** At most so many characters of a text that a sender has chosen, in memory of their own: a cut piece of a long text keeps all of it alive. */
export function keep(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${Buffer.from(text.slice(0, maxChars - 1)).toString()}…`
}
