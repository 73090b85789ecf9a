/** The node's HTTP interface, as far as this page uses it. */

import type {
  ActView, LineView, Picture, PlaceNames, RemoteIdView, ResidualDraft, Said, StatementView, Status, ThreadView,
} from './model.ts'
import { tongue, type Lang } from './phrases.svelte.ts'

/** The node's answer when it did not accept something: nothing was changed. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly field: string,
    message: string,
    readonly values: Record<string, unknown>,
  ) {
    super(message)
  }
}

/** No answer at all: the node is not running or cannot be reached. */
export class Unreachable extends Error {}

export interface Receipt {
  act_id: string
  index: number
  recorded_at: string
}

/** As whom and as of when something is asked. */
export interface Eye {
  party: string | null
  at: string | null
}

const TOKEN = 'keepclear.token'
let kept = ''

/** Takes the token out of the address (`#token=…`) so that it stays in no history and no screenshot. */
export function takeToken(): string {
  const match = /^#token=([\w.~+/=-]+)$/.exec(location.hash)
  if (match?.[1]) {
    keepToken(match[1])
    history.replaceState(null, '', `${location.pathname}${location.search}`)
  }
  kept = sessionStorage.getItem(TOKEN) ?? ''
  return kept
}

export function keepToken(token: string): void {
  kept = token
  sessionStorage.setItem(TOKEN, token)
}

export function forgetToken(): void {
  kept = ''
  sessionStorage.removeItem(TOKEN)
}

export const token = (): string => kept

function address(path: string, params: Record<string, string | number | null | undefined>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value))
  }
  const text = query.toString()
  return text ? `${path}?${text}` : path
}

async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response
  try {
    response = await fetch(path, {
      ...init,
      cache: 'no-store',
      headers: { Accept: 'application/json', 'Accept-Language': tongue.lang, Authorization: `Bearer ${kept}`, ...init.headers },
    })
  } catch (cause) {
    throw new Unreachable('no answer', { cause })
  }
  const body: unknown = await response.json().catch(() => null)
  if (response.ok) return body as T
  const problem = ((body as { error?: unknown } | null)?.error ?? body ?? {}) as Record<string, unknown>
  throw new Refusal(
    response.status,
    String(problem['code'] ?? response.status),
    String(problem['field'] ?? ''),
    String(problem['message'] ?? problem['detail'] ?? response.statusText),
    (problem['values'] ?? {}) as Record<string, unknown>,
  )
}

/** A number for an act before it is sent, 32 hex digits: the same again on every try, so that it is said once. */
export function newDraft(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const get = <T>(path: string, params: Record<string, string | number | null | undefined> = {}): Promise<T> =>
  ask<T>(address(path, params))

export const api = {
  status: () => get<Status>('/api/status'),
  phrases: (lang: Lang) => get<Record<string, string>>(`/api/phrases/${lang}`),
  threads: (eye: Eye) => get<ThreadView[]>('/api/threads', { ...eye }),
  thread: (id: string, eye: Eye) => get<ThreadView>(`/api/threads/${encodeURIComponent(id)}`, { ...eye }),
  residual: (id: string, party: string) => get<ResidualDraft>(`/api/threads/${encodeURIComponent(id)}/residual`, { party }),
  picture: (eye: Eye) => get<Picture>('/api/picture', { ...eye }),
  lines: (eye: Eye) => get<LineView[]>('/api/lines', { ...eye }),
  statements: (eye: Eye) => get<StatementView[]>('/api/statements', { ...eye }),
  timeline: (ask: { party: string | null; after?: number; limit?: number }) =>
    get<ActView[]>('/api/timeline', { ...ask }),
  name: (lat: number, lon: number) => get<PlaceNames>('/api/name', { lat, lon }),
  remoteId: (view: string) => get<RemoteIdView>('/api/remote-id', { view }),
  act: (party: string, line: string, said: Said) =>
    ask<Receipt>('/api/acts', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ party, line, said }),
    }),
}
