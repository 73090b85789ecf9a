/**
 * Keeping codes, coordinates, times and names in their own reading order inside a sentence of another direction
 * (Unicode UAX 9). On the page a value stands in `<bdi>`; in an attribute, where no element can stand, between isolates.
 */

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/
const PLACEHOLDER = /\{([a-z_][a-z0-9_]*)\}/g
const [LRI, FSI, PDI] = ['\u2066', '\u2068', '\u2069']

export type Value = string | number
export type Values = Record<string, Value>
/** A stretch of a sentence: its own words, or a value put into it. */
export type Piece = { words: string } | { value: string }

export function hasRightToLeft(text: string): boolean {
  return RIGHT_TO_LEFT.test(text)
}

/** The `dir` of the `<bdi>` around a value: codes are left to right; what holds Arabic letters finds its own. */
export function directionOf(value: string): 'ltr' | 'auto' {
  return hasRightToLeft(value) ? 'auto' : 'ltr'
}

/** A sentence taken apart at its placeholders. A value that is not given leaves a visible gap, never an error. */
export function pieces(sentence: string, values: Values = {}): Piece[] {
  const out: Piece[] = []
  let from = 0
  for (const match of sentence.matchAll(PLACEHOLDER)) {
    if (match.index > from) out.push({ words: sentence.slice(from, match.index) })
    out.push({ value: String(values[match[1] as string] ?? '–') })
    from = match.index + match[0].length
  }
  if (from < sentence.length) out.push({ words: sentence.slice(from) })
  return out
}

/** A value for an attribute: the same isolation with control characters. */
export function isolate(value: Value): string {
  const text = String(value)
  return `${hasRightToLeft(text) ? FSI : LRI}${text}${PDI}`
}

export function plain(sentence: string, values: Values = {}): string {
  return pieces(sentence, values)
    .map((piece) => ('words' in piece ? piece.words : isolate(piece.value)))
    .join('')
}

/** The names a sentence expects. */
export function placeholders(sentence: string): string[] {
  return [...sentence.matchAll(PLACEHOLDER)].map((match) => match[1] as string).sort()
}

/** The language a text is most likely written in: only a first offer, the person can change it. */
export function guessLanguage(text: string): 'ar' | 'en' {
  return hasRightToLeft(text) ? 'ar' : 'en'
}

/** An act id shortened for the eye; the whole one stands in the title. */
export function shortId(id: string): string {
  return /^[0-9a-f]{64}$/.test(id) ? id.slice(0, 8) : id
}
