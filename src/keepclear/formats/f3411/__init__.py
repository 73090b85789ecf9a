"""The wire of ASTM F3411 (network Remote ID): JSON in the standard's own names, of F3411-22a (v2) and F3411-19 (v1).

`areas` is what the DSS of either edition is asked and says, `search` what stands in queries, `flights` what services of
F3411-22a tell each other of aircraft. Unknown fields are ignored; everything else that is not as the standard has it is
Malformed, with the dotted path of the field.
"""
