/**
 * What a form asks for, and how what was typed becomes a value the node takes. A field either reads to a value or to a
 * problem naming it; nothing is guessed and nothing is repaired.
 */

import { INSIDE, PRECISIONS, type LatLon } from '../model.ts'
import { parseNumber, parsePoint } from '../measure.ts'
import type { Key } from '../phrases.svelte.ts'
import { guessLanguage } from '../text.ts'
import { parseUtc, typedUtc } from '../time.ts'

export type Draft = { [name: string]: string | Draft[] | undefined }

export type Kind =
  | 'short' | 'long' | 'words' | 'name' | 'id' | 'grid' | 'instant' | 'window' | 'band' | 'number' | 'choice' | 'yesno'
  | 'parties' | 'point' | 'area' | 'volume' | 'names' | 'said_time' | 'rows' | 'variant' | 'language'

export interface Field {
  /** Dotted path of the value inside the act; also what the node's errors name. */
  name: string
  kind: Kind
  label: Key
  hint?: Key
  optional?: boolean
  /** For numbers: the bounds of the node's own type. */
  min?: number
  max?: number
  /** For choices: the codes, and the family their words are found under. */
  options?: readonly string[]
  family?: string
  /** For choices of things that exist: parties, groups, assets, lines. */
  source?: 'party' | 'group' | 'asset'
  /** For rows and variants: what one row, or each variant, asks. */
  fields?: readonly Field[]
  variants?: Record<string, readonly Field[]>
  tag?: string
  least?: number
  /** The parts of the value stand beside the other fields, not under this one's name. */
  spread?: boolean
  /** Shown only when this holds of the draft. */
  when?: (draft: Draft) => boolean
  /** Filled by the page with this when the form opens. */
  initial?: string
}

export type Problem = { field: string; problem: Key }
export type Read = { value: unknown } | { missing: true } | { problems: Problem[] }

const ID = /^[a-z][a-z0-9._-]{0,47}$/
const GRID = /^[0-9]{1,3}[A-Z0-9 ]{2,17}$/
const LANGUAGE = /^[a-z]{2,3}$/

const text = (draft: Draft, name: string): string => {
  const value = draft[name]
  return typeof value === 'string' ? value.trim() : ''
}
const wrong = (field: string, problem: Key): Read => ({ problems: [{ field, problem }] })
const MISSING: Read = { missing: true }

/** Several parts that make one value: all empty is missing, some empty names the empty ones. */
function parts(field: Field, draft: Draft, names: readonly string[], read: (part: string, typed: string) => unknown, bad: Key): Read {
  const typed = names.map((part) => [part, text(draft, `${field.name}.${part}`)] as const)
  if (typed.every(([, value]) => value === '')) return MISSING
  const value: Record<string, unknown> = {}
  const problems: Problem[] = []
  for (const [part, given] of typed) {
    const at = `${field.name}.${part}`
    if (given === '') problems.push({ field: at, problem: 'problem.missing' })
    else {
      const one = read(part, given)
      if (one === null) problems.push({ field: at, problem: bad })
      else value[part] = one
    }
  }
  return problems.length > 0 ? { problems } : { value }
}

function readArea(field: Field, draft: Draft): Read {
  const at = (part: string): string => `${field.name}.${part}`
  if (text(draft, at('shape')) === 'polygon') {
    const lines = text(draft, at('vertices')).split('\n').filter((line) => line.trim() !== '')
    if (lines.length === 0) return MISSING
    const vertices = lines.map(parsePoint)
    if (vertices.some((vertex) => vertex === null)) return wrong(at('vertices'), 'problem.point')
    if (vertices.length < 3) return wrong(at('vertices'), 'problem.too_few_vertices')
    return { value: { shape: 'polygon', vertices } }
  }
  const [centre, radius] = [text(draft, at('centre')), text(draft, at('radius_m'))]
  if (centre === '' && radius === '') return MISSING
  const point = parsePoint(centre)
  const metres = parseNumber(radius)
  const problems: Problem[] = []
  if (point === null) problems.push({ field: at('centre'), problem: centre ? 'problem.point' : 'problem.missing' })
  if (metres === null) problems.push({ field: at('radius_m'), problem: radius ? 'problem.number' : 'problem.missing' })
  else if (metres <= 0 || metres > 500_000) problems.push({ field: at('radius_m'), problem: 'problem.range' })
  return problems.length > 0 ? { problems } : { value: { shape: 'circle', centre: point, radius_m: metres } }
}

/** An area with the band and window typed beside it. */
function readVolume(field: Field, draft: Draft): Read {
  const area = readArea({ ...field, name: `${field.name}.area` }, draft)
  const band = READERS.band({ ...field, name: `${field.name}.band` }, draft)
  const window = READERS.window({ ...field, name: `${field.name}.window` }, draft)
  const all = { area, band, window }
  if (Object.values(all).every((one) => 'missing' in one)) return MISSING
  const problems = Object.entries(all).flatMap(([part, one]) =>
    'problems' in one ? one.problems : 'missing' in one ? [{ field: `${field.name}.${part}`, problem: 'problem.missing' as Key }] : [])
  if (problems.length > 0) return { problems }
  return { value: Object.fromEntries(Object.entries(all).map(([part, one]) => [part, 'value' in one ? one.value : null])) }
}

function readRows(field: Field, draft: Draft): Read {
  const rows = draft[field.name]
  const filled = Array.isArray(rows) ? rows : []
  const values: unknown[] = []
  const problems: Problem[] = []
  filled.forEach((row, index) => {
    const one = readFields(field.fields ?? [], row)
    if ('problems' in one) problems.push(...one.problems.map((p) => ({ ...p, field: `${field.name}[${index}].${p.field}` })))
    else values.push(one.value)
  })
  if (problems.length > 0) return { problems }
  if (values.length < (field.least ?? 0)) return wrong(field.name, 'problem.too_few_rows')
  return { value: values }
}

const READERS: Record<Kind, (field: Field, draft: Draft) => Read> = {
  short: (field, draft) => {
    const typed = text(draft, field.name)
    return typed === '' ? MISSING : typed.length > 200 ? wrong(field.name, 'problem.too_long') : { value: typed }
  },
  long: (field, draft) => {
    const typed = text(draft, field.name)
    return typed === '' ? MISSING : typed.length > 4000 ? wrong(field.name, 'problem.too_long') : { value: typed }
  },
  words: (field, draft) => {
    const typed = text(draft, field.name)
    if (typed === '') return MISSING
    if (typed.length > 4000) return wrong(field.name, 'problem.too_long')
    const lang = text(draft, `${field.name}.lang`) || guessLanguage(typed)
    return LANGUAGE.test(lang) ? { value: { text: typed, lang } } : wrong(`${field.name}.lang`, 'problem.language')
  },
  language: (field, draft) => {
    const typed = text(draft, field.name)
    return typed === '' ? MISSING : LANGUAGE.test(typed) ? { value: typed } : wrong(field.name, 'problem.language')
  },
  name: (field, draft) => {
    const [en, ar] = [text(draft, `${field.name}.en`), text(draft, `${field.name}.ar`)]
    if (en === '' && ar === '') return MISSING
    return { value: { en: en || ar, ar: ar || en } }
  },
  id: (field, draft) => {
    const typed = text(draft, field.name)
    return typed === '' ? MISSING : ID.test(typed) ? { value: typed } : wrong(field.name, 'problem.id')
  },
  grid: (field, draft) => {
    const typed = text(draft, field.name).toUpperCase()
    return typed === '' ? MISSING : GRID.test(typed) ? { value: typed } : wrong(field.name, 'problem.grid')
  },
  instant: (field, draft) => {
    const typed = text(draft, field.name)
    if (typed === '') return MISSING
    const value = parseUtc(typed)
    return value === null ? wrong(field.name, 'problem.instant') : { value }
  },
  window: (field, draft) => {
    const read = parts(field, draft, ['starts_at', 'ends_at'], (_, typed) => parseUtc(typed), 'problem.instant')
    if (!('value' in read)) return read
    const { starts_at, ends_at } = read.value as Record<string, string>
    return Date.parse(ends_at!) > Date.parse(starts_at!) ? read : wrong(`${field.name}.ends_at`, 'problem.order')
  },
  band: (field, draft) => {
    const read = parts(field, draft, ['lower_wgs84_m', 'upper_wgs84_m'], (_, typed) => {
      const metres = parseNumber(typed)
      return metres !== null && metres >= -500 && metres <= 40_000 ? metres : null
    }, 'problem.height')
    if (!('value' in read)) return read
    const { lower_wgs84_m, upper_wgs84_m } = read.value as Record<string, number>
    return upper_wgs84_m! >= lower_wgs84_m! ? read : wrong(`${field.name}.upper_wgs84_m`, 'problem.order')
  },
  number: (field, draft) => {
    const typed = text(draft, field.name)
    if (typed === '') return MISSING
    const value = parseNumber(typed)
    if (value === null) return wrong(field.name, 'problem.number')
    return value < (field.min ?? -Infinity) || value > (field.max ?? Infinity) ? wrong(field.name, 'problem.range') : { value }
  },
  choice: (field, draft) => {
    const typed = text(draft, field.name)
    if (typed === '') return MISSING
    return !field.options || field.options.includes(typed) ? { value: typed } : wrong(field.name, 'problem.choice')
  },
  yesno: (field, draft) => {
    const typed = text(draft, field.name)
    return typed === '' ? MISSING : { value: typed === 'yes' }
  },
  parties: (field, draft) => {
    const chosen = text(draft, field.name).split(' ').filter(Boolean)
    return chosen.length === 0 ? MISSING : { value: chosen }
  },
  point: (field, draft) => {
    const typed = text(draft, field.name)
    if (typed === '') return MISSING
    const point = parsePoint(typed)
    return point ? { value: { lat_deg: point[0], lon_deg: point[1] } } : wrong(field.name, 'problem.point')
  },
  area: readArea,
  volume: readVolume,
  names: (field, draft) => {
    const stored = text(draft, field.name)
    return stored === '' ? MISSING : { value: JSON.parse(stored) as unknown }
  },
  said_time: (field, draft) => {
    const said = text(draft, `${field.name}.text`)
    if (said === '') return MISSING
    const [precision, typed, zone] = ['precision', 'value', 'zone'].map((part) => text(draft, `${field.name}.${part}`))
    const value: Record<string, unknown> = { text: said, precision: precision || 'vague' }
    if (!(PRECISIONS as readonly string[]).includes(String(value['precision']))) return wrong(`${field.name}.precision`, 'problem.choice')
    if (zone) value['zone'] = zone
    if (typed) {
      const moment = parseUtc(typed)
      if (moment === null) return wrong(`${field.name}.value`, 'problem.instant')
      if (!zone) return wrong(`${field.name}.zone`, 'problem.zone')
      value['value'] = moment
    }
    return { value }
  },
  rows: readRows,
  variant: (field, draft) => {
    const chosen = text(draft, field.name)
    if (chosen === '') return MISSING
    const inner = readFields(field.variants?.[chosen] ?? [], within(draft, field.name))
    if ('problems' in inner) return { problems: inner.problems.map((p) => ({ ...p, field: `${field.name}.${p.field}` })) }
    return { value: { [field.tag ?? 'kind']: chosen, ...(inner.value as object) } }
  },
}

/** The part of a draft under a name, with the name taken off. */
export function within(draft: Draft, name: string): Draft {
  const inner: Draft = {}
  for (const [key, value] of Object.entries(draft)) {
    if (key.startsWith(`${name}.`)) inner[key.slice(name.length + 1)] = value
  }
  return inner
}

function put(target: Record<string, unknown>, path: string, value: unknown): void {
  const steps = path.split('.')
  const last = steps.pop() as string
  let at = target
  for (const step of steps) at = (at[step] ??= {}) as Record<string, unknown>
  at[last] = value
}

/** All fields of a form together: one object, or every problem found. `onto` is what the object starts from. */
export function readFields(
  fields: readonly Field[], draft: Draft, onto: Record<string, unknown> = {},
): { value: Record<string, unknown> } | { problems: Problem[] } {
  const value = structuredClone(onto)
  const problems: Problem[] = []
  for (const field of fields) {
    if (field.when && !field.when(draft)) continue
    const read = READERS[field.kind](field, draft)
    if ('problems' in read) problems.push(...read.problems)
    else if ('missing' in read) {
      if (!field.optional) problems.push({ field: field.name, problem: 'problem.missing' })
    } else if (field.spread) Object.assign(value, read.value)
    else put(value, field.name, read.value)
  }
  return problems.length > 0 ? { problems } : { value }
}

/** A position as it is put into a field to be edited: every digit kept. */
const typedPoint = ([lat, lon]: LatLon): string => `${lat}, ${lon}`

/** The draft that shows a value again, for forms that start from what is already known. */
export function showField(field: Field, value: unknown, draft: Draft): void {
  if (value === null || value === undefined) return
  const set = (part: string, shown: unknown): void => {
    if (shown !== null && shown !== undefined) draft[part ? `${field.name}.${part}` : field.name] = String(shown)
  }
  const object = value as Record<string, unknown> // each kind knows the shape of its own value
  switch (field.kind) {
    case 'instant':
      return set('', typedUtc(String(value)))
    case 'window':
      set('starts_at', typedUtc(String(object['starts_at'])))
      return set('ends_at', typedUtc(String(object['ends_at'])))
    case 'band':
      set('lower_wgs84_m', object['lower_wgs84_m'])
      return set('upper_wgs84_m', object['upper_wgs84_m'])
    case 'name':
      set('en', object['en'])
      return set('ar', object['ar'])
    case 'words':
      set('', object['text'])
      return set('lang', object['lang'])
    case 'parties':
      return set('', (value as string[]).join(' '))
    case 'point':
      return set('', typedPoint([Number(object['lat_deg']), Number(object['lon_deg'])]))
    case 'names':
      return set('', JSON.stringify(value))
    case 'yesno':
      return set('', value ? 'yes' : 'no')
    case 'area':
      set('shape', object['shape'])
      if (object['shape'] === 'circle') {
        set('centre', typedPoint(object['centre'] as LatLon))
        return set('radius_m', object['radius_m'])
      }
      return set('vertices', (object['vertices'] as LatLon[]).map(typedPoint).join('\n'))
    case 'volume':
      showField({ ...field, kind: 'area', name: `${field.name}.area` }, object['area'], draft)
      showField({ ...field, kind: 'band', name: `${field.name}.band` }, object['band'], draft)
      return showField({ ...field, kind: 'window', name: `${field.name}.window` }, object['window'], draft)
    case 'rows':
      draft[field.name] = (value as Record<string, unknown>[]).map((row) => showFields(field.fields ?? [], row))
      return
    default:
      return set('', value)
  }
}

export function showFields(fields: readonly Field[], value: Record<string, unknown>): Draft {
  const draft: Draft = {}
  for (const field of fields) {
    if (field.spread) showField(field, value, draft)
    else showField(field, field.name.split('.').reduce<unknown>((at, step) => (at as Record<string, unknown> | null)?.[step], value), draft)
  }
  return draft
}

export const RESIDUAL_FIELDS: readonly Field[] = [
  { name: 'asset', kind: 'id', label: 'field.asset', source: 'asset' },
  { name: 'status', kind: 'choice', label: 'field.inside', options: INSIDE, family: 'inside' },
  { name: 'left_at', kind: 'instant', label: 'field.left_at', optional: true },
  { name: 'last_seen_at', kind: 'instant', label: 'field.last_seen_at', optional: true },
]
