/** Times and durations for people: UTC first, always with its zone; Latin digits in both languages. */

import type { Instant, Window } from './model.ts'
import type { Lang } from './phrases.svelte.ts'

export const LOCALE: Record<Lang, string> = { en: 'en-GB', ar: 'ar-u-nu-latn' }

const two = (n: number): string => String(n).padStart(2, '0')

/** "2017-09-08 07:00Z"; seconds only where there are any. */
export function utcText(at: Instant | Date): string {
  const moment = at instanceof Date ? at : new Date(at)
  if (Number.isNaN(moment.getTime())) return String(at)
  const seconds = moment.getUTCSeconds()
  const day = `${moment.getUTCFullYear()}-${two(moment.getUTCMonth() + 1)}-${two(moment.getUTCDate())}`
  return `${day} ${two(moment.getUTCHours())}:${two(moment.getUTCMinutes())}${seconds ? `:${two(seconds)}` : ''}Z`
}

export function clockText(at: Date): string {
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}Z`
}

/** The same moment on this machine's own clock, with its offset: "2017-09-08 10:00 +03:00". */
export function localText(at: Instant | Date): string {
  const moment = at instanceof Date ? at : new Date(at)
  if (Number.isNaN(moment.getTime())) return String(at)
  const offset = -moment.getTimezoneOffset()
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`
  return `${day} ${two(moment.getHours())}:${two(moment.getMinutes())} ${zone}`
}

/** From and to; the day is said once where it is the same. */
export function windowText(window: Window): string {
  const [from, to] = [utcText(window.starts_at), utcText(window.ends_at)]
  return from.slice(0, 10) === to.slice(0, 10) ? `${from.slice(0, -1)}–${to.slice(11)}` : `${from} – ${to}`
}

const UNITS: [unit: 'day' | 'hour' | 'minute' | 'second', seconds: number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]

/** A duration in its two largest units ("3 days 4 hrs"); seconds are left out from ten minutes up. */
export function durationText(seconds: number, lang: Lang): string {
  let rest = Math.max(0, Math.round(seconds))
  if (rest >= 600) rest -= rest % 60
  const parts: string[] = []
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0 || (unit === 'second' && parts.length === 0)) parts.push(unitText(count, unit, lang))
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join(lang === 'ar' ? ' و' : ' ')
}

export function unitText(value: number, unit: string, lang: Lang, digits = 0): string {
  return new Intl.NumberFormat(LOCALE[lang], {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumFractionDigits: digits,
  }).format(value)
}

export function secondsBetween(from: Instant, to: Instant | Date): number {
  return ((to instanceof Date ? to.getTime() : Date.parse(to)) - Date.parse(from)) / 1000
}

const TYPED = /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):?(\d{2})(?::(\d{2}))?\s*Z?$/i

/**
 * A moment as typed, read as UTC: "2017-09-08 07:00", with or without seconds and Z. Anything else, and any date
 * that does not exist, is null; nothing is guessed.
 */
export function parseUtc(typed: string): Instant | null {
  const match = TYPED.exec(typed.trim())
  if (!match) return null
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0)) as number[]
  const moment = new Date(Date.UTC(year!, month! - 1, day!, hour!, minute!, second!))
  const same =
    moment.getUTCMonth() === month! - 1 && moment.getUTCDate() === day && moment.getUTCHours() === hour &&
    moment.getUTCMinutes() === minute && moment.getUTCSeconds() === second
  return same ? moment.toISOString().replace('.000Z', 'Z') : null
}

/** A moment as it is put into a field to be edited. */
export function typedUtc(at: Instant): string {
  return utcText(at)
}
