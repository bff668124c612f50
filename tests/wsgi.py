"""Requests to a WSGI application, as a server makes them."""

import io

_OF_EVERY_REQUEST = {"X-Request-ID", "RateLimit-Remaining", "RateLimit-Reset"}


class Server:
    """Speaks WSGI with an application, and counts how often the ordinary one was reached."""

    def __init__(self, application):
        self.application, self.ordinary = application, 0
        inner = getattr(application, "_ordinary", None)
        if inner is not None:
            application._ordinary = self._count(inner)

    def _count(self, inner):
        def ordinary(environ, start_response):
            self.ordinary += 1
            return inner(environ, start_response)

        return ordinary

    def ask(self, address, method="GET", **headers):
        path, _, query = address.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_HOST": "testserver",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            **headers,
        }
        started = []
        body = self.application(environ, lambda *words: started.extend(words))
        content = b"".join(body)
        getattr(body, "close", lambda: None)()
        return started[0], dict(started[1]), content


def comparable(answer):
    status, headers, content = answer
    return status, {n: v for n, v in headers.items() if n not in _OF_EVERY_REQUEST}, content
