"""Both faces of an answer, and of a refusal."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client, override_settings

from accounts.models import User
from accounts.tests.factories import UserFactory
from shop_backend.kernel.models import OutboxMessage
from tests.client import ShopClient
from tests.faces import every_spelling

pytestmark = [pytest.mark.django_db, pytest.mark.urls("shop_backend.kernel.tests.urls")]

every_face = pytest.mark.parametrize("prefix", ["/api", ""])


def refusal(prefix: str, code: str, message: str, **more) -> dict:
    if not prefix:
        return {"detail": message, "code": code, **more}
    return {"success": False, "message": message, "data": None, "code": code, **more}


@every_spelling
@pytest.mark.parametrize(
    ("method", "status"), [("get", 200), ("post", 201), ("put", 200), ("delete", 204)]
)
def test_every_method_of_every_spelling_of_a_path_arrives_with_its_body(
    prefix, ending, method, status
):
    sent = {"tea": "green", "cups": [1, 2.5, None, True, {"ü": "☕"}]}

    response = getattr(ShopClient(), method)(
        f"{prefix}/echo{ending}", *([] if method in {"get", "delete"} else [sent])
    )

    if method == "delete" and prefix:
        assert response.status_code == 200
        assert response.json() == {"success": True, "message": "Done.", "data": None}
    elif method == "delete":
        assert response.status_code == 204
        assert response.content == b""
    else:
        assert response.status_code == status
        payload = {"loud": None} if method == "get" else sent
        message = {"get": "OK.", "post": "Said.", "put": "Saved."}[method]
        expected = {"success": True, "message": message, "data": payload} if prefix else payload
        assert response.json() == expected
        assert response["Content-Type"] == "application/json"


@every_face
def test_a_query_parameter_nobody_knows_is_refused_or_ignored(prefix):
    assert ShopClient().get(f"{prefix}/echo/?loud=1").status_code == 200
    response = ShopClient().get(f"{prefix}/echo/?loud=1&colour=red&size=" + "x" * 999)

    if prefix:
        assert response.status_code == 400
        assert response.json() == refusal(
            prefix,
            "unknown_parameter",
            "Unknown query parameter: colour, size.",
            params={"names": "colour, size"},
        )
    else:
        assert response.json() == {"loud": "1"}


@every_face
def test_invalid_fields_are_told_one_by_one_also_deep_inside(prefix):
    body = {"cups": [{"size": 1}, {"size": 0, "name": "x" * 11}, {}], "best": {"size": "big"}}

    response = ShopClient().post(f"{prefix}/tray/", body)

    assert response.status_code == 400
    least = "Ensure this value is greater than or equal to 1."
    longest = "Ensure this field has no more than 10 characters."
    needed, number = "This field is required.", "A valid integer is required."
    if not prefix:
        assert response.json() == {
            "cups": {"1": {"size": [least], "name": [longest]}, "2": {"size": [needed]}},
            "best": {"size": [number]},
        }
        return
    assert response.json() == {
        "success": False,
        "message": "Some fields need another look.",
        "data": None,
        "code": "validation_error",
        "errors": {
            "cups": {
                "1": {
                    "size": [{"message": least, "code": "min_value"}],
                    "name": [{"message": longest, "code": "max_length"}],
                },
                "2": {"size": [{"message": needed, "code": "required"}]},
            },
            "best": {"size": [{"message": number, "code": "invalid"}]},
        },
    }


@every_face
@pytest.mark.parametrize("body", [[], [1], "text", 1, True, None])
def test_a_body_that_is_no_object_is_invalid(prefix, body):
    response = ShopClient().post(f"{prefix}/tray/", body)

    assert response.status_code == 400
    assert "Traceback" not in response.content.decode()


@every_face
@pytest.mark.parametrize(
    ("name", "status", "code", "message", "more"),
    [
        (
            "conflict",
            409,
            "test_out_of_tea",
            "There are 3 cups of tea left.",
            {"params": {"left": 3}},
        ),
        ("missing", 404, "test_tea_missing", "There is no such tea.", {}),
        ("unavailable", 503, "test_kettle_down", "The kettle is being repaired.", {}),
        ("http404", 404, "not_found", "Not found.", {}),
        ("denied", 403, "permission_denied", None, {}),
        ("suspicious", 400, "malformed_request", "Malformed request.", {}),
        ("bad_request", 400, "malformed_request", "Malformed request.", {}),
        ("throttled", 429, "throttled", None, {}),
    ],
)
def test_a_refusal_has_its_status_its_code_and_its_sentence(
    prefix, name, status, code, message, more
):
    response = ShopClient().get(f"{prefix}/refusals/{name}/")

    assert response.status_code == status
    if message is None:
        message = response.json()["message" if prefix else "detail"]
    assert response.json() == refusal(prefix, code, message, **more)
    assert "secret" not in response.content.decode()


@every_face
def test_a_refusal_that_passes_says_when_to_come_back(prefix):
    client = ShopClient()

    assert client.get(f"{prefix}/refusals/unavailable/")["Retry-After"] == "5"
    assert client.get(f"{prefix}/refusals/throttled/")["Retry-After"] == "42"
    assert "Retry-After" not in client.get(f"{prefix}/refusals/conflict/")


@every_face
@pytest.mark.parametrize("rate", ["60/min", "3/min"])
def test_whoever_asks_too_often_is_told_when_to_come_back(prefix, rate, settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "default": rate}
    client = ShopClient(REMOTE_ADDR=f"198.51.100.{len(prefix + rate)}")
    while (answer := client.get(f"{prefix}/echo/")).status_code == 200:
        pass

    assert answer.status_code == 429
    seconds = int(answer["Retry-After"])
    assert 1 <= seconds <= 20
    told = answer.json()["message" if prefix else "detail"]
    assert f" {seconds} second" in told


@every_face
def test_bad_input_names_its_field(prefix):
    response = ShopClient().get(f"{prefix}/refusals/bad_input/")

    assert response.status_code == 400
    if not prefix:
        assert response.json() == {"degrees": ["The tea is too hot."]}
        return
    assert response.json() == refusal(
        prefix,
        "test_tea_too_hot",
        "The tea is too hot.",
        errors={"degrees": [{"message": "The tea is too hot.", "code": "test_tea_too_hot"}]},
    )


@every_face
def test_refusals_without_a_field_stand_together(prefix):
    response = ShopClient().get(f"{prefix}/refusals/list/")

    if not prefix:
        assert response.json() == {"non_field_errors": ["One.", "Two."]}
        return
    assert response.json()["errors"] == {
        "non_field_errors": [
            {"message": "One.", "code": "invalid"},
            {"message": "Two.", "code": "invalid"},
        ]
    }


@every_face
@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("path", ["/nowhere", "/nowhere/", "/echo/nowhere", "/refusals/http404"])
def test_what_is_not_there_is_told_in_json(prefix, debug, path):
    with override_settings(DEBUG=debug):
        response = Client().get(prefix + path)

    assert response.status_code == 404
    assert response["Content-Type"] == "application/json"
    assert response.json() == refusal(prefix, "not_found", "Not found.")


@every_face
@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("path", ["/crash/", "/refusals/crash/", "/crash"])
def test_a_crash_is_told_in_json_and_logged_with_its_traceback(prefix, debug, path, caplog):
    client = Client(raise_request_exception=False)

    with override_settings(DEBUG=debug):
        response = client.get(prefix + path)

    assert response.status_code == 500
    assert response["Content-Type"] == "application/json"
    assert response.json() == refusal(prefix, "server_error", "Something went wrong on our side.")
    assert "secret" not in response.content.decode()
    assert response["X-Request-ID"]
    logged = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert [type(error) for error in logged] == [RuntimeError]


def test_the_admin_site_keeps_its_pages_when_debugging():
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root", "root@example.com", "secret"))

    with override_settings(DEBUG=True):
        crashed, missing = client.get("/admin/crash/"), client.get("/admin/nowhere/")

    assert crashed.status_code == 500
    assert missing.status_code == 404
    for response in (crashed, missing):
        assert response["Content-Type"].startswith("text/html")


@every_face
@pytest.mark.parametrize("method", ["patch", "options", "trace"])
def test_a_method_that_a_path_does_not_have_is_405_for_everyone(prefix, method):
    response = getattr(ShopClient(), method)(f"{prefix}/echo/")

    if method == "options":
        assert response.status_code == 200
        return
    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"
    assert "GET" in response["Allow"]


@every_face
def test_a_path_for_people_with_a_token_says_so(prefix):
    anonymous, known = ShopClient(), ShopClient()
    known.force_authenticate(UserFactory())

    for method in ("get", "post"):
        response = getattr(anonymous, method)(f"{prefix}/locked/")
        assert response.status_code == 401
        assert response.json()["code"] == "not_authenticated"
        assert response["WWW-Authenticate"].startswith("Bearer")
    assert known.get(f"{prefix}/locked/").status_code == 200
    refused = known.post(f"{prefix}/locked/")
    assert refused.status_code == 403
    assert refused.json() == refusal(prefix, "permission_denied", "Your role does not allow this.")


@every_face
@pytest.mark.parametrize("header", ["Bearer x", "JWT x.y.z", "Bearer", "Bearer a b"])
def test_a_bad_token_is_401_on_public_paths_too(prefix, header):
    response = ShopClient().get(f"{prefix}/echo/", HTTP_AUTHORIZATION=header)

    assert response.status_code == 401
    assert response.json()["code"] in {"authentication_failed", "token_not_valid"}


@every_face
@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("text/plain", b"tea", 415, "unsupported_media_type"),
        ("application/xml", b"<tea/>", 415, "unsupported_media_type"),
        ("application/json; charset=utf-16", '{"a": 1}'.encode("utf-16"), 415, None),
        ("application/json; charset=hex", b"{}", 415, "unsupported_media_type"),
        ("application/json; charset=rot13", b"{}", 415, "unsupported_media_type"),
        ("application/json; charset=nonsense", b"{}", 415, "unsupported_media_type"),
        ("application/x-www-form-urlencoded; charset=rot13", b"a=b", 400, None),
        ("application/x-www-form-urlencoded; charset=hex", b"a=b", 400, None),
        ("multipart/form-data", b"a=b", 400, "malformed_request"),
        ("multipart/form-data; boundary=x", b"--y--", None, None),
        ("application/json", b"{", 400, "malformed_request"),
        ("application/json", b"\xff\xfe", 400, "malformed_request"),
        ("application/json", b'"\\ud800"', 400, "malformed_request"),
        ("application/json", b'{"a": NaN}', 400, "malformed_request"),
        ("application/json", b'{"a": Infinity}', 400, "malformed_request"),
        ("application/json", b"[" * 5000 + b"]" * 5000, 400, "malformed_request"),
        ("application/json", b"[" * 33 + b"]" * 33, 400, "malformed_request"),
        ("application/json", b'{"a":' * 5000 + b"1" + b"}" * 5000, 400, "malformed_request"),
        ("application/json; charset=UTF-8", b"[" * 32 + b"]" * 32, 201, None),
        ("application/json", b'{"a": 1e400}', None, None),
        ("application/json", b'{"a": ' + b"9" * 400 + b"}", None, None),
        ("application/json", b"", 201, None),
        ("", b"", 201, None),
    ],
)
def test_a_body_that_is_not_understood_is_refused(prefix, content_type, body, status, code):
    client = Client(raise_request_exception=False)

    response = client.generic("POST", f"{prefix}/echo/", body, content_type=content_type)

    assert response.status_code < 500
    assert status is None or response.status_code == status
    assert code is None or response.json()["code"] == code
    assert response["Content-Type"] == "application/json"


@every_face
@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_a_body_over_the_limit_is_413(prefix, content_type, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    client = Client(raise_request_exception=False)

    def post(size: int):
        text = "x" * size
        bodies = {
            "application/json": f'"{text}"',
            "application/x-www-form-urlencoded": f"a={text}",
            "multipart/form-data": (
                f'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n{text}\r\n--b--\r\n'
            ),
        }
        kind = content_type + ("; boundary=b" if "multipart" in content_type else "")
        return client.generic("POST", f"{prefix}/echo/", bodies[content_type], content_type=kind)

    assert post(900).status_code == 201
    refused = post(1100)
    assert refused.status_code == 413
    assert refused.json() == refusal(prefix, "body_too_large", "The request body is too large.")


@every_face
@pytest.mark.parametrize("path", ["/echo\x00/", "/ec%00ho/", "/echo/?loud=%00", "/echo/?%00=1"])
def test_a_nul_byte_is_refused(prefix, path):
    response = Client().get(prefix + path)

    assert response.status_code == 400
    assert response.json()["code"] == "malformed_request"


@every_face
@pytest.mark.parametrize("query", ["%FF=%FE", "%", "a=%ED%A0%80", "=", "&&", ";", "a" * 5000])
def test_a_query_of_rubbish_is_not_a_crash(prefix, query):
    response = Client(raise_request_exception=False).get(f"{prefix}/echo/?{query}")

    assert response.status_code in {200, 400}


@every_face
def test_an_answer_is_known_again_by_its_etag(prefix):
    row = OutboxMessage.objects.create(kind="tea")
    client, path = ShopClient(), f"{prefix}/messages/{row.pk}/"

    first = client.get(path)
    etag = first["ETag"]
    assert etag == client.get(path)["ETag"] == client.get(f"/messages/{row.pk}/")["ETag"]

    for header in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        again = client.get(path, HTTP_IF_NONE_MATCH=header)
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == etag
    assert client.get(path, HTTP_IF_NONE_MATCH='"x"').status_code == 200
    row.kind = "coffee"
    row.save(update_fields=["kind"])
    assert client.get(path, HTTP_IF_NONE_MATCH=etag).status_code == 200


@every_face
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_change_is_made_only_to_the_version_that_was_read(prefix, method):
    row = OutboxMessage.objects.create(kind="tea")
    client, path = ShopClient(), f"{prefix}/messages/{row.pk}/"
    etag = client.get(path)["ETag"]
    OutboxMessage.objects.filter(pk=row.pk).update(attempts=1)

    late = getattr(client, method)(path, {"kind": "coffee"}, HTTP_IF_MATCH=etag)
    assert late.status_code == 412
    assert late.json() == refusal(
        prefix, "precondition_failed", "The resource has changed since it was read."
    )
    row.refresh_from_db()
    assert row.kind == "tea"

    fresh = client.get(path)["ETag"]
    assert getattr(client, method)(path, {"kind": "coffee"}, HTTP_IF_MATCH=fresh).status_code < 300
    gone = OutboxMessage.objects.filter(kind="tea").count()
    assert gone == 0


def test_an_answer_is_private_to_whoever_is_signed_in():
    known = ShopClient()
    known.force_authenticate(UserFactory())

    signed_in, anonymous = known.get("/locked/"), ShopClient().get("/echo/")

    assert signed_in["Cache-Control"] == "private"
    assert "Authorization" in signed_in["Vary"]
    assert "Cache-Control" not in anonymous
    assert "Authorization" in anonymous["Vary"]
    assert AnonymousUser().is_authenticated is False


@every_face
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("abc-1.2_3", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ("a\r\nSet-Cookie: b=c", False),
        ("ü", False),
        ("", False),
    ],
)
def test_a_sane_request_id_is_carried_through(prefix, sent, kept):
    response = ShopClient().get(f"{prefix}/echo/", HTTP_X_REQUEST_ID=sent)

    if kept:
        assert response["X-Request-ID"] == sent
    else:
        assert len(response["X-Request-ID"]) == 32
    assert ShopClient().get("/nowhere/", HTTP_X_REQUEST_ID="a")["X-Request-ID"] == "a"
