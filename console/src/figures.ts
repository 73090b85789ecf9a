/** Figures of findings and verdicts as a person reads them: the unit is in the name, a code is a word, a time is UTC. */

import { desk } from './desk.svelte.ts'
import { distanceText, numberText } from './measure.ts'
import type { FigureValue } from './model.ts'
import { fromNode, say, tongue, waitsText, word } from './phrases.svelte.ts'
import { pieces, placeholders, type Piece, type Values } from './text.ts'
import { durationText, utcText } from './time.ts'

const CODES: Record<string, string> = { hop: 'hop', urgency: 'urgency', act: 'act', reason: 'effect', status: 'inside' }

export function figureText(name: string, value: FigureValue): string {
  if (value === null) return say('unknown')
  if (typeof value === 'boolean') return say(value ? 'yes' : 'no')
  if (typeof value === 'string') {
    if (/^\d{4}-\d\d-\d\dT/.test(value)) return utcText(value)
    if (name === 'waits_for') return waitsText(value)
    return CODES[name] ? word(CODES[name], value) : desk.nameOf(value)
  }
  if (name.endsWith('_s')) return durationText(value, tongue.lang)
  if (name.endsWith('_m')) return distanceText(value, tongue.lang)
  return numberText(value, tongue.lang, 2)
}

export function figures(values: Record<string, FigureValue> | undefined): Values {
  return Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name, figureText(name, value)]))
}

/** The node's sentence under `key` with these values, or null where it has none that they fill. */
export function told(key: string, values: Values): Piece[] | null {
  const sentence = fromNode(key)
  return sentence !== null && placeholders(sentence).every((name) => name in values) ? pieces(sentence, values) : null
}
