/**
 * What the node tells and what a party can say, as the JSON of the node's own types. Fields with a default are left
 * out of what is said when they hold it (`?`); views always carry every field.
 */

export type Instant = string
export type LatLon = [lat: number, lon: number]

export interface Name {
  en: string
  ar: string
}
export interface Words {
  text: string
  lang: string
}
export interface Window {
  starts_at: Instant
  ends_at: Instant
}
export interface Band {
  lower_wgs84_m: number
  upper_wgs84_m: number
}

export const BASES = ['declared', 'observed', 'reported', 'synthetic', 'assumed'] as const
export const CERTAINTIES = ['confirmed', 'reported', 'single_source', 'disputed', 'unsupported'] as const
export interface Basis {
  kind: (typeof BASES)[number]
  certainty?: (typeof CERTAINTIES)[number] | null
  note?: Name | null
  sources?: string[]
}

export interface Polygon {
  shape: 'polygon'
  vertices: LatLon[]
}
export interface Circle {
  shape: 'circle'
  centre: LatLon
  radius_m: number
}
export type Area = Polygon | Circle
export interface Volume {
  area: Area
  band: Band
  window: Window
}

export interface Position {
  lat_deg: number
  lon_deg: number
  uncertainty_m: number
  alt_wgs84_m?: number | null
}
export interface Place {
  id: string
  name: Name
  position: Position
  is_area?: boolean
}
export interface PlaceNames {
  grid: string
  nearest: Name
  bearing_deg: number
  distance_m: number
  described?: string | null
}

export const PLAN_KINDS = ['ground_movement', 'flight', 'protected_site', 'closure', 'observation'] as const
export interface Waypoint {
  at: Instant
  lat_deg: number
  lon_deg: number
  alt_wgs84_m?: number | null
  place?: string | null
}
export interface Trajectory {
  waypoints: Waypoint[]
  buffer_m: number
  vertical_buffer_m?: number
  early_s?: number
  late_s?: number
}
export interface Plan {
  id: string
  kind: (typeof PLAN_KINDS)[number]
  name: Name
  window: Window
  band: Band
  volumes?: Volume[]
  trajectory?: Trajectory | null
  names: PlaceNames[]
  group?: string | null
  assets?: string[]
  basis?: Basis
}

export const ASSET_KINDS = ['bus', 'ambulance', 'car', 'truck', 'ground_force', 'aircraft', 'drone'] as const
export type AssetKind = (typeof ASSET_KINDS)[number]
export const HEAD_CLASSES = ['people', 'civilians', 'fighters', 'wounded', 'crew'] as const
export const SENSORS = ['aircraft', 'satellite', 'ground', 'tracker', 'adsb', 'voice'] as const
export type Sensor = (typeof SENSORS)[number]
export const COVERAGE_STATES = ['watched', 'declared_gap', 'unknown'] as const
export const URGENCIES = ['routine', 'priority', 'immediate'] as const
export const HOPS = ['delivered', 'opened', 'acknowledged', 'passed', 'crew_briefed', 'crew_acknowledged'] as const
export const REPLIES = ['will_comply', 'with_conditions', 'cannot', 'not_understood', 'counter_proposal'] as const
export const INTENT_STATES = ['inside', 'changed', 'ended', 'unknown'] as const
export const INSIDE = ['inside', 'left', 'outside', 'unknown'] as const
export const PRECISIONS = ['second', 'minute', 'hour', 'day', 'vague'] as const
export const VERDICTS = ['consistent', 'contradicted', 'not_supported', 'cannot_tell'] as const
export const FINDING_KINDS = [
  'line_unchecked', 'line_down', 'fork', 'without_effect', 'clock_ahead', 'not_looked_at', 'read_back_wrong', 'hop_missing', 'answer_overdue',
  'affected', 'residual', 'intent_unchanged', 'not_given_back', 'escalated', 'conflict', 'late', 'off_route', 'halted', 'waiting', 'leg_blocked', 'split',
  'joiner', 'leaver', 'lost_contact', 'encounter', 'boundary_approach', 'boundary_crossed',
] as const
/** Findings about how groups move: what they name is a group before it is a party. */
export const MOVEMENT_FINDINGS: readonly string[] = [
  'late', 'off_route', 'halted', 'waiting', 'split', 'joiner', 'leaver', 'lost_contact', 'encounter', 'boundary_approach',
  'boundary_crossed',
]
export const THREAD_KINDS = [
  'notice', 'clear_request', 'proposal', 'danger_call', 'agreement', 'responsibility', 'statement', 'leg_blocked', 'line',
] as const
export const STATUSES: Record<(typeof THREAD_KINDS)[number], readonly string[]> = {
  notice: ['announced', 'received', 'ended', 'cancelled'],
  clear_request: ['waiting', 'answered', 'refused', 'reported_clear', 'given_back', 'expired', 'cancelled'],
  proposal: ['waiting', 'answered', 'cancelled'],
  danger_call: ['calling', 'taken', 'closed'],
  agreement: ['stated', 'consented'],
  responsibility: ['offered', 'accepted', 'declined', 'asserted'],
  statement: ['filed'],
  leg_blocked: ['reported'],
  line: ['suspended', 'resumed'],
}
export const RECIPIENT_STATES = [
  'queued', 'delivered', 'opened', 'read_back_wrong', 'received', 'acknowledged', 'passed', 'crew_briefed',
  'crew_acknowledged',
] as const
export const LINE_STATES = ['up', 'unchecked', 'down', 'suspended', 'own'] as const
export const GROUP_STATES = ['unknown', 'moving', 'halted', 'waiting', 'lost_contact', 'split'] as const
export const ACTS = [
  'enrol', 'open_line', 'roster', 'gazetteer', 'line_check', 'line_check_answer', 'suspend', 'resume', 'notice', 'read_back',
  'correction', 'cancel', 'receipt', 'clear_request', 'answer', 'done', 'give_back', 'proposal', 'danger_call', 'take',
  'close', 'agreement', 'consent', 'responsibility_offer', 'responsibility_answer', 'responsibility_assertion', 'positions',
  'declare_group', 'declare_boundary', 'coverage', 'leg_blocked', 'waiting', 'statement', 'finding', 'remark',
  'utm_change', 'utm_exchange', 'attachment',
] as const
export type ActName = (typeof ACTS)[number]

export interface TimeSaid {
  text: string
  precision: (typeof PRECISIONS)[number]
  value?: Instant | null
  zone?: string | null
}
export interface Figure {
  value: number
  unit: string
  definition?: string | null
  as_of?: TimeSaid | null
  approximate?: boolean
}
export interface Claim {
  id: string
  speaker: string
  side: string
  said: TimeSaid
  words: string
  lang: string
  verbatim: boolean
  sources?: string[]
  figure?: Figure | null
  about?: Record<string, unknown> | null
}
export type FigureValue = string | number | boolean | null
export interface Judgement {
  claim: string
  verdict: (typeof VERDICTS)[number]
  reason: string
  values?: Record<string, FigureValue>
  entries?: string[]
  marks?: string[]
}

/** The act inside a message: its name and its own fields. */
export interface Act {
  act: ActName
  [field: string]: unknown
}
export interface Said {
  role: string
  act: Act
  exercise?: boolean
  basis?: Basis | null
  /** The desk's own number for the act: what is sent twice under one is said once. */
  draft?: string | null
}

export interface ResidualItem {
  asset: string
  status: (typeof INSIDE)[number]
  left_at?: Instant | null
  last_seen_at?: Instant | null
  evidence?: string[]
  synthetic?: boolean
}
/** What a report of done would have to say now, from the tracks the node holds. */
export interface ResidualDraft {
  thread: string
  t0: Instant
  residual: ResidualItem[]
  evidence: string[]
}
export interface Finding {
  kind: (typeof FINDING_KINDS)[number]
  key: string
  subjects: string[]
  since: Instant
  until?: Instant | null
  thread?: string | null
  values?: Record<string, FigureValue>
  evidence?: string[]
  synthetic?: boolean
}
export interface Headcount {
  head_class: (typeof HEAD_CLASSES)[number]
  count: number | null
  as_of: Instant
  basis?: Basis
}
export interface CoverageSpan {
  sensor: Sensor
  state: (typeof COVERAGE_STATES)[number]
  area: Area
  area_name: Name
  window: Window
  group?: string | null
  basis?: Basis
}
export interface Boundary {
  id: string
  name: Name
  vertices: LatLon[]
  uncertainty_m: number
  approach_m: number
  basis?: Basis
}

// ── views ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ActView {
  id: string
  index: number
  recorded_at: Instant
  said_at: Instant
  line: string
  author: string
  said: Said
  thread: string | null
  without_effect: string | null
}
export interface Difference {
  field: string
  expected: string
  said: string
}
export interface HopView {
  hop: (typeof HOPS)[number]
  /** The act it was said of: the notice, or a correction of it. */
  version: string
  said_at: Instant
  recorded_at: Instant
  act: string
  echelon: string | null
  crew: string | null
}
export interface RecipientView {
  party: string
  state: string
  received: boolean
  hops: HopView[]
  differences: Difference[]
  answer: (typeof REPLIES)[number] | null
  answered_at: Instant | null
  answer_s: number | null
  missing_hop: string | null
  missing_since: Instant | null
}
export interface ThreadView {
  id: string
  /** The act that carries what now holds: the last correction, or the opener. Read-backs and receipts name it. */
  version: string
  kind: (typeof THREAD_KINDS)[number]
  status: string
  status_since: Instant
  line: string
  author: string
  opened_at: Instant
  recorded_at: Instant
  exercise: boolean
  urgency: (typeof URGENCIES)[number] | null
  title: Name | null
  words: string | null
  waiting_for: string[]
  waiting_since: Instant | null
  due_at: Instant | null
  overdue: boolean
  escalated_to: string[]
  /** The party and the role: "coalition: duty officer". */
  taken_by: string | null
  taken_on_roster: boolean | null
  recipients: RecipientView[]
  plan: Plan | null
  volume: Volume | null
  basis: Basis | null
  intents: IntentView[]
  acts: ActView[]
  findings: Finding[]
}
/** A drone operation that a request concerns, as its service's plan says where it stands: a plan, not a position. */
export interface IntentView {
  plan: string
  thread: string
  party: string
  service: string
  state: (typeof INTENT_STATES)[number]
  since: Instant
  act: string
  change?: string | null
  told_at?: Instant | null
  told_act?: string | null
  told_outcome?: string | null
}
export interface MemberView {
  party: string
  state: string
  since: Instant | null
  last_heard_at: Instant | null
  last_answer_s: number | null
  on_watch: string[]
  staffed: boolean | null
}
export interface LineView {
  id: string
  name: Name
  state: (typeof LINE_STATES)[number]
  since: Instant | null
  members: MemberView[]
  suspended_by: string[]
  last_check_at: Instant | null
  median_answer_s: number | null
  checks: number
  answered: number
  fallback: Name | null
}
export interface PartyView {
  id: string
  name: Name
  node: string
  hosted: boolean
  fingerprint: string
}
export interface AssetView {
  asset: string
  kind: AssetKind
  sensor: Sensor
  at: Instant
  age_s: number
  lat_deg: number
  lon_deg: number
  uncertainty_m: number
  alt_wgs84_m: number | null
  reported_by: string
  basis: Basis
  trail: LatLon[]
}
export interface GroupView {
  id: string
  name: Name
  declared_by: string
  members: [asset: string, kind: AssetKind][]
  headcounts: Headcount[]
  state: (typeof GROUP_STATES)[number]
  since: Instant | null
  waits_for: string | null
  plan: string | null
  chainage_m: number | null
  route_m: number | null
  off_route_m: number | null
  late_s: number | null
  split_from: string | null
  basis: Basis | null
}
export interface CoverageView {
  party: string
  span: CoverageSpan
  act: string
}
export interface BoundaryView {
  party: string
  boundary: Boundary
}
/** How near a group came to one party's version of a boundary, by its reports so far. */
export interface NearnessView {
  group: string
  party: string
  boundary: string
  nearest_m: number
  nearest_low_m: number
  nearest_at: Instant
  approaching: boolean
  synthetic: boolean
  reach_s: number | null
  crossed_at: Instant | null
}
export interface HeldView {
  group: string
  holder: string | null
  since: Instant | null
  offers: string[]
  assertions: string[]
}
export interface StatementView {
  act: string
  id: string
  topic: string
  title: string
  publisher: Name
  filed_by: string
  published: TimeSaid
  claims: { claim: Claim; judgement: Judgement }[]
}
/** What flies in a view as other services tell: not verified, and no part of the record. */
export interface RemoteIdView {
  label: Name
  flights: { id: string; service: string; at: string; lat_deg: number; lon_deg: number; alt_wgs84_m: number | null; simulated: boolean }[]
  clusters: { south_deg: number; west_deg: number; north_deg: number; east_deg: number; flights: number }[]
  silent: string[]
}

export interface Picture {
  at: Instant
  party: string | null
  size: number
  places: Place[]
  plans: [thread: string, plan: Plan][]
  clearings: [thread: string, status: string, volume: Volume, basis: Basis][]
  assets: AssetView[]
  groups: GroupView[]
  coverage: CoverageView[]
  boundaries: BoundaryView[]
  held: HeldView[]
  findings: Finding[]
  nearness: NearnessView[]
}
export interface PeerStanding {
  node: string
  address: string
  waiting: number
  reached_at: Instant | null
  unreachable_since: Instant | null
  why: string | null
}
export interface Status {
  node: string
  parties: PartyView[]
  lines: LineView[]
  peers: PeerStanding[]
  size: number
  now: Instant
  story?: Record<string, unknown> | null
}

/** What was not declared stands on its own author's word. */
export const DECLARED: Basis = { kind: 'declared' }

/** False for what was made up for a story: such values are labelled wherever they are shown. */
export function isFact(basis: Basis | null | undefined): boolean {
  return basis?.kind !== 'synthetic' && basis?.kind !== 'assumed'
}
