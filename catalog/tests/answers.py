"""Reading an answer of either face."""


def payload(response):
    """Return what the answer is about, out of its envelope if it has one."""
    body = response.json()
    return body["data"] if "success" in body else body


def code_of(response):
    return response.json()["code"]


def names(response):
    return [row["name"] for row in payload(response)["results"]]
