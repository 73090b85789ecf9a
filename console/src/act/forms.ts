/**
 * Every act a person can say from this page, as a list of what it asks. One component draws them all; the node has the
 * last word on each.
 */

import {
  COVERAGE_STATES, HEAD_CLASSES, PLAN_KINDS, REPLIES, SENSORS, URGENCIES, type ActName, type ResidualItem,
} from '../model.ts'
import { RESIDUAL_FIELDS, readFields, showFields, type Draft, type Field, type Problem } from './fields.ts'

export interface Form {
  act: ActName
  /** A name of its own where one act has several forms (the hops of a receipt). */
  id: string
  fields: readonly Field[]
  /** Speaks about a thread: `re` is filled with it. */
  about: boolean
  /** What the act holds before anything is typed. */
  fixed?: Record<string, unknown>
  /** Sounds the alarm: drawn so that it is not pressed by mistake. */
  urgent?: boolean
}

const to: Field = { name: 'to', kind: 'parties', label: 'field.to' }
const reason: Field = { name: 'reason', kind: 'words', label: 'field.reason' }
const remark: Field = { name: 'remark', kind: 'words', label: 'field.remark', optional: true }
const urgency = (initial: string): Field => ({
  name: 'urgency', kind: 'choice', label: 'field.urgency', options: URGENCIES, family: 'urgency', initial,
})
const answerBy: Field = { name: 'answer_by', kind: 'instant', label: 'field.answer_by' }
const group: Field = { name: 'group', kind: 'id', label: 'field.group', source: 'group' }

const moves = (draft: Draft): boolean => ['ground_movement', 'flight'].includes(String(draft['plan.kind'] ?? ''))

const WAYPOINT: readonly Field[] = [
  { name: 'at', kind: 'instant', label: 'field.at' },
  { name: 'position', kind: 'point', label: 'field.position', hint: 'hint.position', spread: true },
  { name: 'alt_wgs84_m', kind: 'number', label: 'field.height', optional: true, min: -500, max: 40_000 },
]

const PLAN: readonly Field[] = [
  { name: 'plan.kind', kind: 'choice', label: 'field.plan_kind', options: PLAN_KINDS, family: 'plan', initial: 'ground_movement' },
  { name: 'plan.id', kind: 'id', label: 'field.plan_id', hint: 'hint.id' },
  { name: 'plan.name', kind: 'name', label: 'field.name', hint: 'hint.name' },
  { name: 'plan.window', kind: 'window', label: 'field.window' },
  { name: 'plan.band', kind: 'band', label: 'field.band' },
  {
    name: 'plan.trajectory.waypoints', kind: 'rows', label: 'field.waypoints', hint: 'hint.waypoints', fields: WAYPOINT,
    least: 2, when: moves,
  },
  { name: 'plan.trajectory.buffer_m', kind: 'number', label: 'field.buffer', min: 0, max: 500_000, when: moves },
  { name: 'plan.trajectory.early_s', kind: 'number', label: 'field.early', min: 0, max: 31_622_400, optional: true, when: moves },
  { name: 'plan.trajectory.late_s', kind: 'number', label: 'field.late', min: 0, max: 31_622_400, optional: true, when: moves },
  {
    name: 'plan.volumes', kind: 'rows', label: 'field.volumes', least: 1, when: (draft) => !moves(draft),
    fields: [{ name: 'volume', kind: 'volume', label: 'field.volume', spread: true }],
  },
  { name: 'plan.names', kind: 'names', label: 'field.names', hint: 'hint.names' },
  { name: 'plan.group', kind: 'id', label: 'field.group', source: 'group', optional: true },
]

const SAID: Field = { name: 'said', kind: 'said_time', label: 'field.said_at', hint: 'hint.said_at' }

const ABOUT: Record<string, readonly Field[]> = {
  passing: [
    group,
    { name: 'other', kind: 'id', label: 'field.other_group', source: 'group' },
    { name: 'at', kind: 'said_time', label: 'field.at' },
  ],
  watching: [
    { name: 'party', kind: 'id', label: 'field.party', source: 'party' },
    group,
    { name: 'window', kind: 'window', label: 'field.window' },
    { name: 'state', kind: 'choice', label: 'field.coverage', options: COVERAGE_STATES, family: 'coverage' },
    { name: 'sensor', kind: 'choice', label: 'field.sensor', options: SENSORS, family: 'sensor', optional: true },
  ],
  head_count: [group, { name: 'head_class', kind: 'choice', label: 'field.head_class', options: HEAD_CLASSES, family: 'head' }],
  member_count: [group, { name: 'at', kind: 'said_time', label: 'field.at' }],
  holder: [
    group,
    { name: 'party', kind: 'id', label: 'field.party', source: 'party' },
    { name: 'holds', kind: 'yesno', label: 'field.holds', initial: 'yes' },
  ],
  tally: [{ name: 'topic', kind: 'id', label: 'field.topic', hint: 'hint.id' }],
}

const CLAIM: readonly Field[] = [
  { name: 'id', kind: 'id', label: 'field.claim_id', hint: 'hint.id' },
  { name: 'speaker', kind: 'short', label: 'field.speaker' },
  { name: 'side', kind: 'short', label: 'field.side' },
  SAID,
  { name: 'words', kind: 'long', label: 'field.claim_words' },
  { name: 'lang', kind: 'language', label: 'field.language', hint: 'hint.language' },
  { name: 'verbatim', kind: 'yesno', label: 'field.verbatim', initial: 'yes' },
  { name: 'figure.value', kind: 'number', label: 'field.figure', min: 0, max: 1e9, optional: true },
  { name: 'figure.unit', kind: 'short', label: 'field.unit', when: (draft) => Boolean(draft['figure.value']) },
  { name: 'figure.definition', kind: 'short', label: 'field.definition', optional: true, when: (draft) => Boolean(draft['figure.value']) },
  { name: 'about', kind: 'variant', label: 'field.about', hint: 'hint.about', tag: 'claims', family: 'about', variants: ABOUT, optional: true },
]

const hop = (name: string, fields: readonly Field[] = []): Form => ({
  act: 'receipt', id: `receipt.${name}`, about: true, fixed: { hop: name }, fields: [...fields, remark],
})
const crew: Field = { name: 'crew', kind: 'short', label: 'field.crew', hint: 'hint.crew' }

export const FORMS: readonly Form[] = [
  // opening a matter
  { act: 'danger_call', id: 'danger_call', about: false, urgent: true, fields: [
    to,
    { name: 'words', kind: 'words', label: 'field.danger_words' },
    { name: 'position', kind: 'point', label: 'field.position', hint: 'hint.position', optional: true },
    { name: 'position.uncertainty_m', kind: 'number', label: 'field.uncertainty', min: 0, max: 500_000, when: (d) => Boolean(d['position']) },
    { name: 'names', kind: 'names', label: 'field.names', hint: 'hint.names', optional: true },
  ] },
  { act: 'clear_request', id: 'clear_request', about: false, fields: [
    to,
    { name: 'volume', kind: 'volume', label: 'field.volume', hint: 'hint.t0' },
    { name: 'names', kind: 'names', label: 'field.names', hint: 'hint.names' },
    { name: 'why', kind: 'words', label: 'field.why' },
    answerBy,
    urgency('priority'),
    { name: 'plan', kind: 'id', label: 'field.for_plan', optional: true },
  ] },
  { act: 'notice', id: 'notice', about: false, fields: [to, ...PLAN, urgency('routine'), { name: 'words', kind: 'words', label: 'field.words', optional: true }] },
  { act: 'line_check', id: 'line_check', about: false, fields: [] },
  { act: 'suspend', id: 'suspend', about: false, fields: [reason] },
  { act: 'resume', id: 'resume', about: false, fields: [remark] },
  { act: 'proposal', id: 'proposal', about: false, fields: [
    to,
    { name: 'topic', kind: 'id', label: 'field.topic', hint: 'hint.id' },
    { name: 'words', kind: 'words', label: 'field.words' },
    answerBy,
  ] },
  { act: 'statement', id: 'statement', about: false, fields: [
    { name: 'id', kind: 'id', label: 'field.statement_id', hint: 'hint.id' },
    { name: 'topic', kind: 'id', label: 'field.topic', hint: 'hint.id' },
    { name: 'title', kind: 'long', label: 'field.title' },
    { name: 'publisher', kind: 'name', label: 'field.publisher', hint: 'hint.name' },
    { name: 'published', kind: 'said_time', label: 'field.published', hint: 'hint.said_at' },
    { name: 'claims', kind: 'rows', label: 'field.claims', fields: CLAIM, least: 1 },
  ] },
  { act: 'responsibility_offer', id: 'responsibility_offer', about: false, fields: [
    group,
    { name: 'to', kind: 'id', label: 'field.to_one', source: 'party' },
    { name: 'terms', kind: 'words', label: 'field.terms' },
  ] },
  { act: 'responsibility_assertion', id: 'responsibility_assertion', about: false, fields: [
    group,
    { name: 'holder', kind: 'short', label: 'field.holder' },
    { name: 'words', kind: 'words', label: 'field.words' },
  ] },
  { act: 'agreement', id: 'agreement', about: false, fields: [
    { name: 'id', kind: 'id', label: 'field.agreement_id', hint: 'hint.id' },
    { name: 'parties', kind: 'parties', label: 'field.parties' },
    { name: 'terms', kind: 'words', label: 'field.terms' },
    { ...group, optional: true },
  ] },
  { act: 'waiting', id: 'waiting', about: false, fields: [
    group,
    { name: 'since', kind: 'instant', label: 'field.since' },
    { name: 'waits_for', kind: 'short', label: 'field.waits_for' },
    { name: 'words', kind: 'words', label: 'field.words', optional: true },
  ] },
  // on a matter
  { act: 'read_back', id: 'read_back', about: true, fields: [
    { name: 'grid', kind: 'grid', label: 'field.grid', hint: 'hint.grid' },
    { name: 'window', kind: 'window', label: 'field.window' },
    { name: 'band', kind: 'band', label: 'field.band' },
  ] },
  hop('opened'),
  hop('acknowledged'),
  hop('passed', [{ name: 'echelon', kind: 'short', label: 'field.echelon', hint: 'hint.echelon' }]),
  hop('crew_briefed', [crew]),
  hop('crew_acknowledged', [crew]),
  { act: 'correction', id: 'correction', about: true, fields: [...PLAN, reason] },
  { act: 'answer', id: 'answer', about: true, fields: [
    { name: 'reply', kind: 'choice', label: 'field.reply', options: REPLIES, family: 'reply' },
    {
      name: 'conditions', kind: 'words', label: 'field.conditions', optional: true,
      when: (draft) => draft['reply'] === 'with_conditions' || draft['reply'] === 'counter_proposal',
    },
    { name: 'counter', kind: 'volume', label: 'field.counter', optional: true, when: (draft) => draft['reply'] === 'counter_proposal' },
  ] },
  {
    act: 'done', id: 'done', about: true,
    fields: [
      { name: 'reported_clear_at', kind: 'instant', label: 'field.reported_clear_at' },
      { name: 'residual', kind: 'rows', label: 'field.residual', hint: 'hint.residual', fields: RESIDUAL_FIELDS },
    ],
  },
  { act: 'give_back', id: 'give_back', about: true, fields: [remark] },
  { act: 'take', id: 'take', about: true, fields: [] },
  { act: 'close', id: 'close', about: true, fields: [{ name: 'outcome', kind: 'words', label: 'field.outcome' }] },
  { act: 'consent', id: 'consent', about: true, fields: [{ name: 'consents', kind: 'yesno', label: 'field.consents' }] },
  { act: 'responsibility_answer', id: 'responsibility_answer', about: true, fields: [
    { name: 'accepts', kind: 'yesno', label: 'field.accepts' },
    remark,
  ] },
  { act: 'cancel', id: 'cancel', about: true, fields: [reason] },
  { act: 'remark', id: 'remark', about: true, fields: [{ name: 'words', kind: 'words', label: 'field.words' }] },
]

export function form(id: string): Form {
  const found = FORMS.find((one) => one.id === id)
  if (!found) throw new Error(`no form ${id}`)
  return found
}

/** What an act starts from before anything is typed: the plan to be corrected, the residual the node worked out. */
export type Start = Record<string, unknown>

/** What opens a form: its defaults, and what it starts from. Read-backs start empty, always. */
export function openDraft(form: Form, start: Start | null): Draft {
  const draft = start ? showFields(form.fields, start) : {}
  for (const field of form.fields) {
    if (field.initial !== undefined) draft[field.name] ??= field.initial
    if (field.kind === 'rows' && (field.least ?? 0) > 0) draft[field.name] ??= Array.from({ length: field.least ?? 0 }, () => openRow(field))
  }
  return draft
}

/** A new row of a field, with its defaults. */
export function openRow(field: Field): Draft {
  return Object.fromEntries((field.fields ?? []).flatMap((one) => (one.initial === undefined ? [] : [[one.name, one.initial]])))
}

/** Which act of a thread a form speaks of: a read-back or receipt of the version that was on the screen, not of another. */
export function speaksOf(form: Form, thread: { id: string; version: string }): string {
  return form.act === 'read_back' || form.act === 'receipt' ? thread.version : thread.id
}

/** The act as the node takes it, or every problem found in what was typed. */
export function buildAct(
  form: Form, draft: Draft, re: string | null, start: Start | null,
): { act: { act: ActName } & Record<string, unknown> } | { problems: Problem[] } {
  const read = readFields(form.fields, draft, start ?? {})
  if ('problems' in read) return read
  const value = { ...read.value }
  if (form.act === 'notice' || form.act === 'correction') onlyOneShape(value['plan'] as Record<string, unknown>, draft)
  if (form.act === 'done') value['residual'] = withEvidence(value['residual'] as ResidualItem[], (start?.['residual'] ?? []) as ResidualItem[])
  return { act: { act: form.act, ...(form.about && re ? { re } : {}), ...form.fixed, ...value } }
}

/** A plan whose kind was changed keeps only the shape that was asked for. */
function onlyOneShape(plan: Record<string, unknown>, draft: Draft): void {
  if (!moves(draft)) delete plan['trajectory']
}

/** A row left as the node worked it out keeps the tracks it rests on; one that was changed stands on the officer's word. */
function withEvidence(rows: readonly ResidualItem[], known: readonly ResidualItem[]): ResidualItem[] {
  return rows.map((row) => {
    const same = known.find((one) => one.asset === row.asset && one.status === row.status)
    return { ...row, ...(same?.evidence ? { evidence: same.evidence } : {}), ...(same?.synthetic ? { synthetic: true } : {}) }
  })
}

/** The node names a path inside what was posted ("said.act.plan.window.ends_at"); a form knows paths inside the act. */
export function fieldOf(path: string): string {
  return path.replace(/^(said\.)?(act\.)?/, '')
}
