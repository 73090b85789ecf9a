/** Which form is open, if any: opened by a button or by one of the three urgent keys. */

import type { ThreadView } from '../model.ts'
import { form, type Form } from './forms.ts'

class Press {
  open: { form: Form; thread: ThreadView | null } | null = $state.raw(null)
  choosing = $state(false)
  sent: number | null = $state(null)

  start(id: string, thread: ThreadView | null = null): void {
    this.choosing = false
    this.open = { form: form(id), thread }
  }

  end(sent: number | null): void {
    this.open = null
    if (sent !== null) this.sent = sent
  }
}

export const press = new Press()
