"""What `make run` leaves in `.env`."""

import stat

from shop_backend.dotenv_default import write_default


def test_a_new_file_has_a_key_of_its_own_and_is_readable_by_its_owner_alone(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"

    assert write_default(first)
    assert write_default(second)

    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert "DEBUG=True\n" in first.read_text()
    assert first.read_text() != second.read_text()
    assert sorted(tmp_path.iterdir()) == [first, second]


def test_a_file_that_exists_is_left_as_it_is(tmp_path):
    path = tmp_path / ".env"
    path.write_text("SECRET_KEY=mine\n")

    assert not write_default(path)

    assert path.read_text() == "SECRET_KEY=mine\n"
    assert list(tmp_path.iterdir()) == [path]
