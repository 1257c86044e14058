"""What a power cut leaves in the data folder must not need an operator."""
import os

import pytest


@pytest.mark.parametrize("left", [b"", b"\0" * 40], ids=["empty", "zeros"])
@pytest.mark.parametrize("name", ["data/postmaster.pid", ".s.PGSQL.5432.lock"])
def test_a_lock_file_that_a_power_cut_left_unwritten_is_no_obstacle(make_hub, name, left):
    """PostgreSQL alone refuses to start over it, for ever: "lock file is empty"."""
    hub = make_hub(start=False)
    path, owner = hub.folder / "pg" / name, (hub.folder / "pg").stat()
    path.write_bytes(left)
    os.chown(path, owner.st_uid, owner.st_gid)
    hub.start()
    assert [receipt["code"] for receipt in hub.enrol("alice").publish("8.10.12.14")] == [200]
    assert f"event=postgres.torn_lock path=pg/{name}" in hub.log_text()


def test_the_lock_file_of_a_process_stays(make_hub):
    """A single-user PostgreSQL writes its pid with a minus sign; whatever names a process is PostgreSQL's to judge."""
    hub = make_hub(start=False)
    path, owner = hub.folder / "pg/data/postmaster.pid", (hub.folder / "pg").stat()
    path.write_text("-1\n")
    os.utime(path, (0, 0))
    os.chown(path, owner.st_uid, owner.st_gid)
    hub.start()         # PostgreSQL knows that process 1 is not one of its own
    assert "torn_lock" not in hub.log_text()
