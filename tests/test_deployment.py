"""What docs/deploy and docs/settings.md name is what is there. Nothing of it is run here."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "docs" / "deploy"
UNITS = ("shop-web.service", "shop-worker.service")
GUNICORNS = {"FORWARDED_ALLOW_IPS", "WEB_CONCURRENCY"}


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield each place where the settings read a variable, with its name."""
    for node in ast.walk(ast.parse((ROOT / "shop_backend/settings.py").read_text())):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func).startswith("env.")):
            continue
        if node.func.attr != "read_env":
            assert isinstance(node.args[0], ast.Constant)
            yield str(node.args[0].value), node


def variables() -> dict[str, set[str]]:
    """Return the variables that the settings read, each with its defaults as one writes them."""
    found: dict[str, set[str]] = {}
    for name, call in calls():
        [default] = [word.value for word in call.keywords if word.arg == "default"]
        found.setdefault(name, set()).add(written(default))
    return found


def written(default: ast.expr) -> str:
    try:
        value = ast.literal_eval(default)
    except ValueError:
        text = ast.unparse(default)
        return ".env" if text == "str(BASE_DIR / '.env')" else text
    return ",".join(value) if isinstance(value, list | dict) else str(value)


def test_every_setting_stands_on_its_page_with_its_default_and_no_other():
    page = (ROOT / "docs/settings.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| ", page, re.MULTILINE)

    documented = {
        name: {""} if default == "empty" else set(re.findall(r"`(.+?)`", default))
        for name, default in rows
    }

    assert len(rows) == len(documented)
    assert documented == variables()


def test_the_page_says_what_each_setting_may_be():
    page = (ROOT / "docs/settings.md").read_text()
    lacking = []
    for name, call in calls():
        [row] = re.findall(rf"^\| `{name}` \|.*", page, re.MULTILINE)
        bounds = {word.arg: ast.literal_eval(word.value) for word in call.keywords[1:]}
        wanted = [
            f"`{choice.value}`" for choice in call.args[1:] if isinstance(choice, ast.Constant)
        ]
        if "most" in bounds:
            wanted.append("{least} to {most}".format(**bounds))
        elif bounds:
            wanted.append("{least} or more".format(**bounds))
        lacking += [f"{name}: {words}" for words in wanted if words not in row]

    assert lacking == []


def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_the_compose_file_names_settings_that_there_are():
    services = compose()["services"]
    used = {
        name for service in ("web", "worker", "migrate") for name in environment(services[service])
    }

    assert used <= set(variables()) | GUNICORNS
    assert environment(services["web"]) == environment(services["worker"])
    assert environment(services["web"])["DB_NAME"] == services["db"]["environment"]["POSTGRES_DB"]
    assert environment(services["web"])["DB_USER"] == services["db"]["environment"]["POSTGRES_USER"]


def environment(service):
    return service["environment"]


def test_nothing_listens_for_the_world_but_the_proxy():
    services = compose()["services"]
    published = [port for service in services.values() for port in service.get("ports", [])]

    assert published == ["127.0.0.1:8000:8000"]
    assert "proxy_pass http://127.0.0.1:8000;" in (DEPLOY / "nginx.conf").read_text()


def options(text: str) -> list[str]:
    """Return the words of a gunicorn command from its application on, without place and size."""
    text = re.sub(r"\$\$\{.*\}", "2", text)  # how make serve counts the processors
    words = shlex.split(text.replace("\\\n", " ").replace('", "', " ").replace('",', " "))
    words = words[words.index("shop_backend.wsgi") :]
    kept, ours = [], {"--bind", "--workers", "--worker-tmp-dir"}
    for before, word in zip(["", *words], words, strict=False):
        if word not in ours and before not in ours:
            kept.append(word)
    return kept


def test_each_gunicorn_is_started_as_by_make_serve():
    makefile = (ROOT / "Makefile").read_text()
    wanted = options(re.search(r"^GUNICORN = (.*?[^\\])$", makefile, re.M | re.S)[1])
    unit = re.search(r"^ExecStart=(.*?[^\\])$", (DEPLOY / UNITS[0]).read_text(), re.M | re.S)[1]
    image = re.search(r"^CMD \[(.*?)\]$", (DEPLOY / "Dockerfile").read_text(), re.M | re.S)[1]

    assert options(unit) == wanted
    assert options(re.sub(r'"?,?\s*\\\n\s*"|", "|"', " ", image)) == wanted


def test_every_worker_is_run_worker():
    assert compose()["services"]["worker"]["command"] == ["python", "manage.py", "run_worker"]
    assert "python manage.py run_worker\n" in (DEPLOY / UNITS[1]).read_text()


def test_the_image_holds_every_app_and_runs_as_nobody_special():
    text = (DEPLOY / "Dockerfile").read_text()
    apps = {path.parent.name for path in ROOT.glob("*/apps.py")}

    copied = set(re.findall(r"^COPY (\w+) \1$", text, re.MULTILINE))
    allowed = set(re.findall(r"^!(\w+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.M))
    assert copied == allowed == apps
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001"]
    assert all(re.search(r":\d+\.\d+\.\d+-", line) for line in re.findall(r"^FROM .*$", text, re.M))
    assert "HEALTHCHECK" in text


def test_the_image_is_built_with_settings_that_start():
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", "")
    [given] = re.findall(r"^RUN (.*) python manage.py collectstatic --no-input$", text, re.M)
    named = dict(word.split("=", 1) for word in shlex.split(given))

    done = subprocess.run(
        [sys.executable, "-c", "import shop_backend.settings as s; print(s.DEBUG)"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "SHOP_ENV_FILE": os.devnull, **named},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stdout.strip(), done.stderr) == ("False", "")


def test_the_proxy_lets_through_what_the_shop_takes():
    limit = re.search(r"client_max_body_size (\d+)m;", (DEPLOY / "nginx.conf").read_text())[1]
    taken = re.search(r"^MAX_BYTES = ([\d_]+)", (ROOT / "catalog/pictures.py").read_text(), re.M)[1]

    assert int(limit) * 1024 * 1024 > int(taken)


def test_the_proxy_overwrites_what_a_client_says_of_its_address():
    text = (DEPLOY / "nginx.conf").read_text()

    assert "proxy_set_header X-Forwarded-For $remote_addr;" in text
    assert "proxy_set_header X-Forwarded-Proto $scheme;" in text
    assert "proxy_set_header Host $host;" in text


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_the_units(unit):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(DEPLOY / unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    complaints = [line for line in done.stderr.splitlines() if unit in line]

    # The shop does not lie in /srv/shop here.
    assert [line for line in complaints if "is not executable" not in line] == []


def test_hadolint_has_nothing_to_say():
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed")
    command = [hadolint, "--no-color", str(DEPLOY / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout == ""
