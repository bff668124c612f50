"""What sqlmap and wapiti find is wrong until somebody has said why it is not."""

import pytest

from tests.security import tools

LDAP = "LDAP Injection: POST /api/accounts/register/ password: LDAP Injection via injection in it"
TAKEN_BACK = (
    "{'Target URL': 'http://127.0.0.1:8000/api/accounts/two-factor/', 'Place': '(custom) POST',"
    " 'Parameter': 'JSON current_password', 'Technique(s)': 'B',"
    " 'Note(s)': 'false positive or unexploitable'}"
)


@pytest.mark.parametrize("found", [LDAP, TAKEN_BACK])
def test_what_is_explained_is_told_with_its_reason(found, capsys):
    assert list(tools._unexplained([found])) == []
    assert "explained" in capsys.readouterr().out


@pytest.mark.parametrize(
    "found",
    [
        LDAP.replace("LDAP Injection: POST", "SQL Injection: POST"),
        LDAP.replace(" password: ", " email: "),
        TAKEN_BACK.replace("false positive or unexploitable", ""),
        TAKEN_BACK.replace("current_password", "email"),
    ],
)
def test_everything_else_is_wrong(found):
    assert list(tools._unexplained([found])) == [found]
