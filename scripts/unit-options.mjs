/** What Node is told in unit tests, and in what they start: packages are their sources, but what runs as a program or thread of its own is bundled. */
export const unitOptions = `--conditions=@spoor/source --import=${new URL('bundled-entries.mjs', import.meta.url).href}`
