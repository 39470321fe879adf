/** 32 lower-case digits, or undefined when the text is no id. Spaces around it and hyphens in it do no harm. */
export function traceIdOf(text: string): string | undefined {
  const digits = text.trim().replaceAll('-', '').toLowerCase()
  return /^[0-9a-f]{1,32}$/.test(digits) && !/^0+$/.test(digits) ? digits.padStart(32, '0') : undefined
}
