"""Reading an answer of either face."""


def payload(response):
    """Return what the answer is about, out of its envelope if it has one."""
    body = response.json()
    return body["data"] if "success" in body else body


def code_of(response):
    return response.json()["code"]


def names(response):
    return [row["name"] for row in payload(response)["results"]]


def refused(response, status, code):
    """Return whether that is the refusal; without /api the errors of fields have no code."""
    body = response.json()
    has_code = "success" in body or status != 400
    return response.status_code == status and (not has_code or body["code"] == code)
