"""Who asks is told by a good access token, and by nothing that resembles one."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from hypothesis import assume, given
from hypothesis import strategies as st
from joserfc import jws

from keepclear.errors import Malformed
from keepclear.model.utm import Manager
from keepclear.server.f3548.auth import MAX_TEXT, MAX_TOKEN_BYTES, Unauthenticated, Verifier, authorization_in
from keepclear.server.f3548.keys import public_key
from tests.server.f3548.tokens import NOW, NOW_S, b64, claims, header, jwk, pem, rsa_key, signed, token

AUDIENCES = ("dss.example.org", "localhost")


@pytest.fixture
def verifier() -> Verifier:
    return Verifier([public_key(rsa_key("issuer").public_key())], AUDIENCES)


def refusal(verifier: Verifier, authorization: str | None) -> str:
    with pytest.raises(Unauthenticated) as refused:
        verifier.asker(authorization, NOW)
    assert refused.value.field == "authorization"
    return refused.value.code


def test_a_good_token_names_the_asker_and_the_scopes(verifier: Verifier) -> None:
    asker = verifier.asker(f"Bearer {token(body=claims(scope='a.read  b.write'))}", NOW)
    assert asker.sub == "uss_north"
    assert asker.scopes == {"a.read", "b.write"}


GOOD = {
    "audience in a list": token(body=claims(aud=["elsewhere", "localhost"])),
    "no scope": token(body=claims(scope=...)),
    "empty scope": token(body=claims(scope="")),
    "no typ": token(header(typ=...)),
    "typ of RFC 9068": token(header(typ="at+jwt")),
    "kid of a server whose PEM is configured": token(header(kid="2026-05")),
    "header that nobody here knows": token(header(nonce="x")),
    "exp as far ahead as may be": token(body=claims(exp=NOW_S + 3605)),
    "exp with a fraction": token(body=claims(exp=NOW_S + 0.5)),
    "nbf ahead within the tolerance": token(body=claims(nbf=NOW_S + 5)),
    "issued now": token(body=claims(iat=NOW_S, nbf=NOW_S - 1, jti="1", client_id="uss_north")),
    "sub in another script": token(body=claims(sub="الشمال")),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_tokens_are_taken(verifier: Verifier, name: str) -> None:
    assert verifier.asker(f"bEARER {GOOD[name]}", NOW).sub in ("uss_north", "الشمال")


def unsigned(alg: str) -> str:
    return f"{b64(json.dumps(header(alg=alg)).encode())}.{b64(json.dumps(claims()).encode())}."


def with_hmac(secret: bytes) -> str:
    content = f"{b64(json.dumps(header(alg='HS256')).encode())}.{b64(json.dumps(claims()).encode())}"
    return f"{content}.{b64(hmac.new(secret, content.encode(), hashlib.sha256).digest())}"


def with_rsa(alg: str, pad: padding.AsymmetricPadding, digest: hashes.HashAlgorithm) -> str:
    content = f"{b64(json.dumps(header(alg=alg)).encode())}.{b64(json.dumps(claims()).encode())}"
    return f"{content}.{b64(rsa_key('issuer').sign(content.encode(), pad, digest))}"


def with_curve() -> str:
    content = f"{b64(json.dumps(header(alg='ES256')).encode())}.{b64(json.dumps(claims()).encode())}"
    key = ec.generate_private_key(ec.SECP256R1())
    return f"{content}.{b64(key.sign(content.encode(), ec.ECDSA(hashes.SHA256()))[:64])}"


def by_stranger(**changed: object) -> str:
    return signed(json.dumps(header(**changed)).encode(), json.dumps(claims()).encode(), rsa_key("stranger"))


def detached() -> str:
    first, _, last = token().split(".")
    return f"{first}..{last}"


def not_encoded() -> str:
    """RFC 7797: the payload as it is, signed so."""
    head = b64(json.dumps(header(b64=False, crit=["b64"])).encode())
    body = "payload"
    key = rsa_key("issuer")
    return f"{head}.{body}.{b64(key.sign(f'{head}.{body}'.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def other_spelling() -> str:
    """The same signature with other spare bits at its end: the bytes decode alike, the token differs."""
    good = token()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return good[:-1] + letters[letters.index(good[-1]) | 1]


def mixed(part: int) -> str:
    one, other = token().split("."), token(header(kid="k"), claims(sub="uss_south")).split(".")
    one[part] = other[part]
    return ".".join(one)


def raw(changed: str) -> str:
    """Claims with these words of JSON put in at the end."""
    return token(body=json.dumps(claims(exp=...)).encode()[:-1] + b"," + changed.encode() + b"}")


UNREADABLE, CLAIM, FORGED = "utm_token_unreadable", "utm_token_claim", "utm_token_forged"
ALGORITHM = "utm_token_algorithm"
ATTACKS: dict[str, tuple[Callable[[], str], str]] = {
    # ── the algorithm ──
    "alg none": (lambda: unsigned("none"), UNREADABLE),
    "alg none with the signature of another": (lambda: unsigned("none") + token().split(".")[2], ALGORITHM),
    "alg NoNe": (lambda: unsigned("NoNe") + "AA", ALGORITHM),
    "HS256 with the public key as the secret": (lambda: with_hmac(pem(rsa_key("issuer"))), ALGORITHM),
    "HS256 with the public key, no last newline": (lambda: with_hmac(pem(rsa_key("issuer")).strip()), ALGORITHM),
    "HS256 with an empty secret": (lambda: with_hmac(b""), ALGORITHM),
    "RS512 by the right key": (lambda: with_rsa("RS512", padding.PKCS1v15(), hashes.SHA512()), ALGORITHM),
    "PS256 by the right key": (
        lambda: with_rsa("PS256", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
        ALGORITHM,
    ),
    "RS256 said, RS512 done": (lambda: with_rsa("RS256", padding.PKCS1v15(), hashes.SHA512()), FORGED),
    "RS256 said, PS256 done": (
        lambda: with_rsa("RS256", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
        FORGED,
    ),
    "ES256": (with_curve, ALGORITHM),
    "alg in lower case": (lambda: token(header(alg="rs256")), ALGORITHM),
    "alg in a list": (lambda: token(header(alg=["RS256"])), ALGORITHM),
    "no alg": (lambda: token(header(alg=...)), ALGORITHM),
    # ── the key ──
    "by a stranger": (by_stranger, FORGED),
    "its own key in jwk": (lambda: by_stranger(jwk=jwk(rsa_key("stranger"))), UNREADABLE),
    "its own key in x5c": (lambda: by_stranger(x5c=["MIIB"]), UNREADABLE),
    "jku": (lambda: by_stranger(jku="https://evil.example/keys.json"), UNREADABLE),
    "x5u": (lambda: by_stranger(x5u="https://evil.example/cert.pem"), UNREADABLE),
    "kid is a path": (lambda: by_stranger(kid="../../../../dev/null"), FORGED),
    "kid is an address": (lambda: by_stranger(kid="https://evil.example/key"), FORGED),
    "kid is a query": (lambda: by_stranger(kid="' UNION SELECT 'secret' --"), FORGED),
    "kid is no text": (lambda: token(header(kid={"a": 1})), UNREADABLE),
    "kid is null": (lambda: token(header(kid=None)), UNREADABLE),
    "kid without end": (lambda: token(header(kid="k" * 201)), UNREADABLE),
    # ── the header ──
    "crit": (lambda: token(header(crit=["exp"], exp=NOW_S + 60)), UNREADABLE),
    "crit, empty": (lambda: token(header(crit=[])), UNREADABLE),
    "a name twice in the header": (lambda: token(b'{"alg":"none","alg":"RS256"}'), UNREADABLE),
    "header is a list": (lambda: token(b'["RS256"]'), UNREADABLE),
    "header in UTF-16": (lambda: token(json.dumps(header()).encode("utf-16")), UNREADABLE),
    "typ of something else": (lambda: token(header(typ="dpop+jwt")), UNREADABLE),
    "a token in a token": (lambda: token(header(cty="JWT"), token().encode()), UNREADABLE),
    "a token in a token, unsaid": (lambda: token(body=token().encode()), UNREADABLE),
    "zip": (lambda: token(header(zip="DEF")), UNREADABLE),
    # ── the form ──
    "payload left out": (detached, UNREADABLE),
    "payload not encoded": (not_encoded, UNREADABLE),
    "five parts (JWE)": (lambda: f"{token()}.AAAA.AAAA", UNREADABLE),
    "enc in three parts": (lambda: token(header(enc="A128GCM")), UNREADABLE),
    "two parts": (lambda: token().rpartition(".")[0], UNREADABLE),
    "newline at the end": (lambda: f"{token()}\n", UNREADABLE),
    "newline inside": (lambda: f"{token()[:40]}\n{token()[40:]}", UNREADABLE),
    "space inside": (lambda: token().replace(".", " .", 1), UNREADABLE),
    "two spaces before it": (lambda: f" {token()}", UNREADABLE),
    "two tokens": (lambda: f"{token()} {token()}", UNREADABLE),
    "two tokens with a comma": (lambda: f"{token()}, Bearer {token()}", UNREADABLE),
    "padded": (lambda: f"{token()}==", UNREADABLE),
    "letters of plain base64": (lambda: token()[:-4] + "+/+/", UNREADABLE),
    "not ASCII": (lambda: token()[:-1] + "é", UNREADABLE),
    "digits of another script": (lambda: token()[:-1] + "٣", UNREADABLE),
    "JSON instead of dots": (lambda: json.dumps({"payload": "x", "signatures": []}), UNREADABLE),
    "too long": (lambda: token(body=claims(pad="x" * MAX_TOKEN_BYTES)), UNREADABLE),
    # ── the signature ──
    "signature cut": (lambda: token()[:-4], FORGED),
    "signature of another token": (lambda: mixed(2), FORGED),
    "claims of another token": (lambda: mixed(1), FORGED),
    "header of another token": (lambda: mixed(0), FORGED),
    "signature spelt otherwise": (other_spelling, FORGED),
    "signature of noughts": (lambda: f"{token().rpartition('.')[0]}.{b64(bytes(256))}", FORGED),
    # ── the claims ──
    "no sub": (lambda: token(body=claims(sub=...)), CLAIM),
    "empty sub": (lambda: token(body=claims(sub="")), CLAIM),
    "sub is a number": (lambda: token(body=claims(sub=7)), CLAIM),
    "sub with a control character": (lambda: token(body=claims(sub="uss\u0000north")), CLAIM),
    "sub with a newline": (lambda: token(body=claims(sub="uss_north\n")), CLAIM),
    "sub that turns direction": (lambda: token(body=claims(sub="uss\u202enorth")), CLAIM),
    "sub with a soft hyphen": (lambda: token(body=claims(sub="uss\u00adnorth")), CLAIM),
    "sub with a letter that is not seen": (lambda: token(body=claims(sub="uss\u3164north")), CLAIM),
    "sub with half a character": (lambda: token(body=claims(sub="\ud800")), CLAIM),
    "sub with space around": (lambda: token(body=claims(sub=" uss_north")), CLAIM),
    "sub without end": (lambda: token(body=claims(sub="s" * 201)), CLAIM),
    "no iss": (lambda: token(body=claims(iss=...)), CLAIM),
    "no exp": (lambda: token(body=claims(exp=...)), CLAIM),
    "no aud": (lambda: token(body=claims(aud=...)), CLAIM),
    "aud is empty": (lambda: token(body=claims(aud=[])), CLAIM),
    "aud is an object": (lambda: token(body=claims(aud={"dss.example.org": 1})), CLAIM),
    "aud has what is no text": (lambda: token(body=claims(aud=["dss.example.org", 1])), CLAIM),
    "aud of a hundred": (lambda: token(body=claims(aud=["dss.example.org"] * 100)), CLAIM),
    "another's aud": (lambda: token(body=claims(aud="uss.example.org")), "utm_token_audience"),
    "aud in capitals": (lambda: token(body=claims(aud="DSS.example.org")), "utm_token_audience"),
    "aud that begins like ours": (lambda: token(body=claims(aud="dss.example.org.evil.example")), "utm_token_audience"),
    "aud that ours begins with": (lambda: token(body=claims(aud="dss.example")), "utm_token_audience"),
    "aud with a port": (lambda: token(body=claims(aud="dss.example.org:443")), "utm_token_audience"),
    "expired": (lambda: token(body=claims(exp=NOW_S)), "utm_token_expired"),
    "expired long ago": (lambda: token(body=claims(exp=0)), "utm_token_expired"),
    "exp below nought": (lambda: token(body=claims(exp=-1)), "utm_token_expired"),
    "exp in two hours": (lambda: token(body=claims(exp=NOW_S + 7200)), "utm_token_not_yet"),
    "exp just too far ahead": (lambda: token(body=claims(exp=NOW_S + 3606)), "utm_token_not_yet"),
    "not yet": (lambda: token(body=claims(nbf=NOW_S + 6)), "utm_token_not_yet"),
    "issued in the future": (lambda: token(body=claims(iat=NOW_S + 600)), "utm_token_not_yet"),
    "exp in milliseconds": (lambda: token(body=claims(exp=NOW_S * 1000)), CLAIM),
    "exp is a text": (lambda: token(body=claims(exp=str(NOW_S + 60))), CLAIM),
    "exp is true": (lambda: token(body=claims(exp=True)), CLAIM),
    "exp is null": (lambda: token(body=claims(exp=None)), CLAIM),
    "exp is NaN": (lambda: raw('"exp":NaN'), UNREADABLE),
    "exp is Infinity": (lambda: raw('"exp":Infinity'), UNREADABLE),
    "exp is 1e999": (lambda: raw('"exp":1e999'), CLAIM),
    "exp of a thousand figures": (lambda: raw('"exp":' + "9" * 1000), CLAIM),
    "exp of five thousand figures": (lambda: raw('"exp":' + "9" * 5000), UNREADABLE),
    "nbf is a text": (lambda: token(body=claims(nbf="0")), CLAIM),
    "iat is an object": (lambda: token(body=claims(iat={})), CLAIM),
    "scope is a list": (lambda: token(body=claims(scope=["utm.strategic_coordination"])), CLAIM),
    "scopes with a newline between": (lambda: token(body=claims(scope="a\nb")), CLAIM),
    "scopes with a tab between": (lambda: token(body=claims(scope="a\tb")), CLAIM),
    "exp twice": (lambda: raw(f'"exp":{NOW_S + 60},"exp":{NOW_S + 61}'), UNREADABLE),
    "a name twice, deep inside": (lambda: raw(f'"exp":{NOW_S + 60},"x":{{"a":1,"a":2}}'), UNREADABLE),
    "claims are a list": (lambda: token(body=b"[]"), UNREADABLE),
    "claims are a text": (lambda: token(body=b'"sub"'), UNREADABLE),
    "claims are no JSON": (lambda: token(body=b"{sub:1}"), UNREADABLE),
    "something after the claims": (lambda: token(body=json.dumps(claims()).encode() + b"{}"), UNREADABLE),
    "claims are not UTF-8": (lambda: token(body=b'{"sub":"\xff"}'), UNREADABLE),
    "claims nested without end": (lambda: token(body=b'{"a":' * 1000 + b"1" + b"}" * 1000), UNREADABLE),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_only_resembles_a_token_is_refused(verifier: Verifier, name: str) -> None:
    make, code = ATTACKS[name]
    assert refusal(verifier, f"Bearer {make()}") == code
    assert refusal(verifier, f"Bearer {make()}") == code


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(shown=st.text() | st.text().map(lambda text: f"Bearer {text}"))
def test_whatever_is_shown_is_refused_in_one_way(shown: str) -> None:
    verifier = Verifier([public_key(rsa_key("issuer").public_key())], AUDIENCES)
    assert refusal(verifier, shown).startswith("utm_")


@given(name=st.sampled_from(["sub", "iss", "aud", "exp", "nbf", "iat", "scope", "jti"]), value=JSON)
def test_whatever_is_signed_names_an_asker_or_is_refused(name: str, value: object) -> None:
    verifier = Verifier([public_key(rsa_key("issuer").public_key())], AUDIENCES)
    try:
        asker = verifier.asker(f"Bearer {token(body=claims(**{name: value}))}", NOW)
    except Unauthenticated:
        return
    assert asker.sub == (value if name == "sub" else "uss_north")
    assert name not in ("aud", "exp") or isinstance(value, list | int | float)


@given(place=st.integers(min_value=0), letter=st.sampled_from("ABab01-_.="))
def test_no_letter_of_a_token_can_be_another(place: int, letter: str) -> None:
    verifier = Verifier([public_key(rsa_key("issuer").public_key())], AUDIENCES)
    good = GOOD["no typ"]
    place %= len(good)
    assume(good[place] != letter)
    refusal(verifier, f"Bearer {good[:place]}{letter}{good[place + 1 :]}")


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (None, "utm_no_token"),
        ("", "utm_no_token"),
        ("Bearer", UNREADABLE),
        ("Bearer ", UNREADABLE),
        (f"Bear {token()}", "utm_no_token"),
        (f"Bearer:{token()}", "utm_no_token"),
        (f"Bearer\t{token()}", "utm_no_token"),
        (f"DPoP {token()}", "utm_no_token"),
        (f"Basic {token()}", "utm_no_token"),
        (token(), "utm_no_token"),
        (f"Bearer Bearer {token()}", UNREADABLE),
        ("Bearer ...", UNREADABLE),
    ],
)
def test_the_header_must_be_bearer_and_one_token(verifier: Verifier, shown: str | None, code: str) -> None:
    assert refusal(verifier, shown) == code


def test_two_authorization_headers_are_refused() -> None:
    one = (b"authorization", b"Bearer a.b.c")
    assert authorization_in([(b"host", b"x"), one]) == "Bearer a.b.c"
    assert authorization_in([(b"host", b"x")]) is None
    with pytest.raises(Unauthenticated):
        authorization_in([one, one])


def test_a_kid_picks_its_key_and_no_other() -> None:
    issuer, other = rsa_key("issuer").public_key(), rsa_key("stranger").public_key()
    verifier = Verifier([public_key(issuer, kid="a"), public_key(other, kid="b")], AUDIENCES)
    assert verifier.asker(f"Bearer {token(header(kid='a'))}", NOW).sub == "uss_north"
    assert verifier.asker(f"Bearer {token()}", NOW).sub == "uss_north"
    assert refusal(verifier, f"Bearer {token(header(kid='b'))}") == FORGED
    assert refusal(verifier, f"Bearer {token(header(kid='c'))}") == "utm_token_unknown_key"
    assert refusal(verifier, f"Bearer {token(header(kid='A'))}") == "utm_token_unknown_key"


def test_an_issuer_that_is_not_listed_is_refused() -> None:
    keys = [public_key(rsa_key("issuer").public_key())]
    assert Verifier(keys, AUDIENCES, ["auth.example.org"]).asker(f"Bearer {token()}", NOW).sub == "uss_north"
    assert refusal(Verifier(keys, AUDIENCES, ["auth.example.com"]), f"Bearer {token()}") == CLAIM


def test_a_verifier_needs_keys_and_audiences() -> None:
    keys = [public_key(rsa_key("issuer").public_key())]
    for audiences in ((), ("",), "dss.example.org"):
        with pytest.raises(Malformed) as refused:
            Verifier(keys, audiences)
        assert refused.value.field == "audiences"
    with pytest.raises(Malformed):
        Verifier([], AUDIENCES)


class Count:
    """How many signatures were verified."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.verified = 0
        really = jws.deserialize_compact

        def counted(*given: object, **named: object) -> object:
            self.verified += 1
            return really(*given, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(jws, "deserialize_compact", counted)


def test_a_token_is_verified_once_and_still_expires(verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> None:
    count = Count(monkeypatch)
    shown = f"Bearer {token(body=claims(exp=NOW_S + 60))}"
    assert verifier.asker(shown, NOW) == verifier.asker(shown, NOW + timedelta(seconds=59.9))
    assert count.verified == 1
    with pytest.raises(Unauthenticated) as refused:
        verifier.asker(shown, NOW + timedelta(seconds=60))
    assert refused.value.code == "utm_token_expired"
    assert count.verified == 1


def test_a_remembered_token_is_not_good_before_its_time(verifier: Verifier) -> None:
    shown = f"Bearer {token(body=claims(nbf=NOW_S))}"
    verifier.asker(shown, NOW)
    with pytest.raises(Unauthenticated) as refused:
        verifier.asker(shown, NOW - timedelta(seconds=6))
    assert refused.value.code == "utm_token_not_yet"


def test_what_is_refused_is_not_remembered_and_pushes_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = Verifier([public_key(rsa_key("issuer").public_key())], AUDIENCES, max_cached=2)
    shown = [f"Bearer {token(body=claims(sub=f'uss_{each}'))}" for each in range(3)]
    for each in shown[:2]:
        verifier.asker(each, NOW)
    count = Count(monkeypatch)
    for number in range(5):
        refusal(verifier, f"Bearer {token(body=claims(exp=NOW_S - number))}")
        refusal(verifier, f"Bearer {by_stranger(kid=str(number))}")
    assert count.verified == 10
    for each in (shown[1], shown[0]):
        verifier.asker(each, NOW)
    assert count.verified == 10
    verifier.asker(shown[2], NOW)
    assert count.verified == 11
    verifier.asker(shown[0], NOW)
    assert count.verified == 11
    verifier.asker(shown[1], NOW)  # the one used longest ago had to go
    assert count.verified == 12


def test_whoever_may_be_an_asker_may_be_a_manager(verifier: Verifier) -> None:
    """The bound on `sub` is the bound of the record's `manager`."""
    longest = "s" * MAX_TEXT
    assert verifier.asker(f"Bearer {token(body=claims(sub=longest))}", NOW).sub == longest
    assert msgspec.convert(longest, Manager) == longest
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(longest + "s", Manager)
