"""The UTM ledger: what services hold through ASTM F3548-21 and F3411, and the rules by which it changes.

Pure, like the line above it. A request is judged by a function `(ledger, asked, now, nonce) -> Ruling` that changes
nothing; the ruling's change is signed and kept as an act (`keepclear.model.acts.UtmChange`), and `Ledger.take` is the
one place that changes the ledger, so the ledger is a fold over the record like everything else.
"""
