"""Tokens that were made up, bent, or carried to the wrong door: 401, and never a 500."""

import base64
import json
import time
import uuid

import jwt
import pytest
from django.conf import settings as shop_settings
from django.utils import timezone

from accounts import tokens
from accounts.models import Session
from accounts.tests.factories import PASSWORD, UserFactory
from tests.client import ShopClient
from tests.faces import payload_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.portable,
    pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning"),
]

KEY = shop_settings.SECRET_KEY


@pytest.fixture
def pair():
    user = UserFactory(username="ann")
    response = ShopClient().post(
        "/api/accounts/login/", {"username": user.username, "password": PASSWORD}
    )
    return payload_of(response)


def ask(header):
    return ShopClient().get("/api/accounts/user/", headers={"Authorization": header})


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


def signed(claims, *, key=KEY, algorithm="HS256", headers=None):
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def part(data):
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


def without(claims, name):
    return {key: value for key, value in claims.items() if key != name}


# Each makes a forgery of the good access token and its claims. Those signed with the right key
# show that the claim itself is looked at.
FORGERIES = {
    "no algorithm": lambda t, c: f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(c)}.",
    "no algorithm, in capitals": lambda t, c: f"{part({'alg': 'NONE'})}.{part(c)}.",
    "no algorithm, with a signature": lambda t, c: f"{part({'alg': 'none'})}.{part(c)}.AAAA",
    "another algorithm, right key": lambda t, c: signed(c, algorithm="HS512"),
    "an algorithm nobody knows": lambda t, c: f"{part({'alg': 'XS256'})}.{part(c)}.AAAA",
    "another key": lambda t, c: signed(c, key="x" * 40),
    "an empty key": lambda t, c: f"{part({'alg': 'HS256'})}.{part(c)}.",
    "a key named in the header": lambda t, c: signed(
        c, key="k" * 40, headers={"kid": "../../dev/null", "jku": "http://127.0.0.1/k"}
    ),
    "a key in the header": lambda t, c: signed(
        c, key="k" * 40, headers={"jwk": {"kty": "oct", "k": part("k" * 40)}}
    ),
    "a payload changed": lambda t, c: ".".join(
        [t.split(".")[0], part({**c, "user_id": "1"}), t.split(".")[2]]
    ),
    "a signature cut": lambda t, c: t[:-4],
    "cut in the middle": lambda t, c: t[: len(t) // 2],
    "two parts": lambda t, c: t.rsplit(".", 1)[0],
    "four parts": lambda t, c: f"{t}.{t.split('.')[2]}",
    "twice": lambda t, c: t + t,
    "dots": lambda t, c: "..",
    "not base64": lambda t, c: "!!!.???.***",
    "a payload that is a list": lambda t, c: ".".join(
        [t.split(".")[0], part([1, 2]), t.split(".")[2]]
    ),
    "expired": lambda t, c: signed({**c, "exp": int(time.time()) - 1}),
    "no expiry": lambda t, c: signed(without(c, "exp")),
    "an expiry in words": lambda t, c: signed({**c, "exp": "tomorrow"}),
    "an expiry that is a list": lambda t, c: signed({**c, "exp": [9999999999]}),
    "an expiry beyond all calendars": lambda t, c: signed({**c, "exp": 10**30}),
    "an expiry without end": lambda t, c: signed({**c, "exp": float("inf")}),
    "not valid yet": lambda t, c: signed({**c, "nbf": int(time.time()) + 600}),
    "made in the future": lambda t, c: signed({**c, "iat": int(time.time()) + 600}),
    "another issuer": lambda t, c: signed({**c, "iss": "elsewhere"}),
    "no issuer": lambda t, c: signed(without(c, "iss")),
    "another audience": lambda t, c: signed({**c, "aud": "another-api"}),
    "no audience": lambda t, c: signed(without(c, "aud")),
    "another type": lambda t, c: signed({**c, "token_type": "sliding"}),
    "no type": lambda t, c: signed(without(c, "token_type")),
    "a type that is a list": lambda t, c: signed({**c, "token_type": ["access"]}),
    "no id": lambda t, c: signed(without(c, "jti")),
    "no session": lambda t, c: signed(without(c, "sid")),
    "a session that is no id": lambda t, c: signed({**c, "sid": "' OR 1=1 --"}),
    "another session": lambda t, c: signed({**c, "sid": str(uuid.uuid4())}),
    "no user": lambda t, c: signed(without(c, "user_id")),
    "another user": lambda t, c: signed({**c, "user_id": str(int(c["user_id"]) + 1)}),
    "a user beyond all numbers": lambda t, c: signed({**c, "user_id": "9" * 40}),
    "a user that is a list": lambda t, c: signed({**c, "user_id": [c["user_id"]]}),
    "a user that is nobody": lambda t, c: signed({**c, "user_id": None}),
    "huge": lambda t, c: signed({**c, "x": "y" * 100_000}, key="x" * 40),
}


@pytest.mark.parametrize("make", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_access_token_is_refused(pair, make):
    good = pair["access"]

    response = ask(f"Bearer {make(good, claims_of(good))}")

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert ask(f"Bearer {good}").status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "{access}",
        "Bearer",
        "Bearer ",
        "bearer {access}",
        "BEARER {access}",
        "Bearer {access} x",
        "Bearer, {access}",
        "Bearer{access}",
        "Basic {access}",
        "Token {access}",
        "Bearer {refresh}",
        "JWT {refresh}",
        "Bearer \x80\xff",
        "Bearer {access}\x00",
        'Bearer "{access}"',
    ],
)
def test_a_bent_header_is_refused(pair, header):
    assert ask(header.format(**pair)).status_code == 401


@pytest.mark.parametrize("header", ["Bearer {access}", "JWT {access}", " Bearer   {access} "])
def test_a_good_token_is_taken_under_both_names(pair, header):
    assert ask(header.format(**pair)).status_code == 200


REFRESH_DOORS = ["/api/accounts/token/refresh/", "/api/auth/jwt/refresh/"]
VERIFY_DOORS = ["/api/accounts/token/verify/", "/api/auth/jwt/verify/"]


@pytest.mark.parametrize("make", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_refresh_token_is_refused_at_every_door(pair, make):
    good = pair["refresh"]
    forged = make(good, claims_of(good))

    answers = [
        ShopClient().post(door, {name: forged}).status_code
        for doors, name in ((REFRESH_DOORS, "refresh"), (VERIFY_DOORS, "token"))
        for door in doors
    ]

    expected = 400 if len(forged) > 4096 else 401  # longer than any token: not even read
    assert answers == [expected] * 4
    assert Session.objects.get().revoked_at is None


@pytest.mark.parametrize("door", REFRESH_DOORS)
def test_an_access_token_refreshes_nothing(pair, door):
    assert ShopClient().post(door, {"refresh": pair["access"]}).status_code == 401


@pytest.mark.parametrize(
    ("made_at", "used_at"),
    [("/api/accounts/login/", REFRESH_DOORS[1]), ("/api/auth/jwt/create/", REFRESH_DOORS[0])],
)
def test_a_refresh_token_keeps_its_mode_at_the_other_door(made_at, used_at):
    user = UserFactory()
    body = ShopClient().post(made_at, {"username": user.username, "password": PASSWORD}).json()
    refresh = body.get("data", body)["refresh"]
    rotates = "accounts" in made_at

    answer = ShopClient().post(used_at, {"refresh": refresh}).json()
    again = ShopClient().post(used_at, {"refresh": refresh})

    assert ("refresh" in answer.get("data", answer)) is rotates
    assert again.status_code == (409 if rotates else 200)


def test_the_mode_of_a_refresh_token_cannot_be_claimed():
    user = UserFactory()
    body = {"username": user.username, "password": PASSWORD}
    refresh = ShopClient().post("/api/auth/jwt/create/", body).json()["refresh"]
    bent = signed({**claims_of(refresh), tokens.ROTATION_CLAIM: True})

    assert ShopClient().post(REFRESH_DOORS[0], {"refresh": bent}).status_code == 401


def test_an_access_token_lives_ten_minutes(pair):
    claims = claims_of(pair["access"])

    assert claims["exp"] - int(timezone.now().timestamp()) <= 600
    assert (claims["iss"], claims["aud"]) == ("shop", "shop-api")


def test_a_key_is_rotated_without_signing_anybody_out(pair, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the-next-key-of-more-than-thirty-two-characters"

    assert ask(f"Bearer {pair['access']}").status_code == 200
    fresh = payload_of(ShopClient().post(REFRESH_DOORS[0], {"refresh": pair["refresh"]}))
    settings.SECRET_KEY_FALLBACKS = []

    assert ask(f"Bearer {fresh['access']}").status_code == 200
    assert ask(f"Bearer {pair['access']}").status_code == 401
