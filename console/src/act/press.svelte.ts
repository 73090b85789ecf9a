/** Which form is open, if any: opened by a button or by one of the three urgent keys. */

import { api } from '../api.ts'
import { desk } from '../desk.svelte.ts'
import type { ThreadView } from '../model.ts'
import { form, type Form, type Start } from './forms.ts'

/** What an act about a thread starts from. Where the node cannot say, the form opens empty. */
async function known(id: string, thread: ThreadView): Promise<Start | null> {
  if (id === 'correction' && thread.plan) return { plan: thread.plan }
  if (id !== 'done') return null
  try {
    const { residual, evidence } = await api.residual(thread.id, desk.party)
    return { residual, evidence: evidence.slice(-200) }
  } catch {
    return null
  }
}

class Press {
  open: { form: Form; thread: ThreadView | null; start: Start | null } | null = $state.raw(null)
  choosing = $state(false)
  sent: number | null = $state(null)

  async start(id: string, thread: ThreadView | null = null): Promise<void> {
    this.choosing = false
    this.open = { form: form(id), thread, start: thread ? await known(id, thread) : null }
  }

  end(sent: number | null): void {
    this.open = null
    if (sent !== null) this.sent = sent
  }
}

export const press = new Press()
