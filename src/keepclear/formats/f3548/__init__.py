"""The wire of ASTM F3548-21 (InterUSS edition with requested OVNs): JSON in the standard's own names.

`volumes` reads and writes what every message holds (volumes, times, ids); `requests` reads what a DSS is asked, and
`answers` writes what it says. Unknown fields are ignored, and an object that may be left out may be null, as the head
of the standard's API says. Everything else that is not as the standard has it is Malformed, with the dotted path of
the field. Times are UTC; what is finer than a microsecond is rounded to one.
"""
