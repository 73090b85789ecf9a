"""The listener for UTM services: ASTM F3548-21 (DSS and USS), F3411 Remote ID, and the field's test interfaces.

One table of routes, one order of checks: the token (401), its scopes (403), the request (400), whose it is (403), and
its version (409). `app` goes through the tables of the other files; each of them holds one interface.
"""
