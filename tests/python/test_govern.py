"""Two admins, invitations, erasure and recall (sections 7, 10, 11), by the second implementation against a live hub."""
import pytest

import hub as hubs
from isac1 import bundle, feed, report, scan, sign
from isac1.client import Client
from isac1.messages import pb
from isac1.tables import VALUE_NUMBER as N
from test_live import Python


@pytest.fixture
def hub(tmp_path):
    h = hubs.make(tmp_path).start()           # its own: a second admin changes what all others may do
    yield h
    h.finish()


@pytest.fixture
def admin(hub):
    with Client(bundle.Home(hub.folder / "admin"), hub.request_endpoint) as client:
        yield client


def cosigned(member, control):
    """The same bytes under another signature."""
    return pb.Control(command=control.command, key_id=member.home.key_id,
                      signature=sign.sign(member.home.seed, "command", member.home.hub.hub_id, control.command))


def test_two_signatures_over_the_same_bytes(hub, admin):
    anna, bea = Python(hub, "anna"), Python(hub, "bea", "admin")
    control = admin.command("member.role", [("name", "anna"), ("role", "publisher,auditor")])
    waits = admin.request("CONTROL", control)
    cells = {cell.name: cell.value for cell in waits.rows[0].cells}
    assert waits.code == 202 and cells["state"] == "waiting"
    assert bytes.fromhex(cells["command_id"]) == pb.Command.FromString(control.command).command_id
    # The first signer again, a forged second signature, one that is nobody's, another's bytes under this id: none of them is the second.
    assert admin.request("CONTROL", control).code == 202
    assert bea.client.request("CONTROL", pb.Control(command=control.command, key_id=bea.home.key_id, signature=bytes(64))).code == 401
    assert bea.client.request("CONTROL", control).code == 401            # the first admin's signature on the second one's connection
    assert anna.client.request("CONTROL", cosigned(anna, control)).code == 403
    altered = pb.Command.FromString(control.command)
    altered.args[1].value = "admin"
    other = pb.Control(command=altered.SerializeToString())
    assert bea.client.request("CONTROL", cosigned(bea, other)).code == 409
    assert anna.client.control("member.list", []).code == 403            # nothing has changed
    assert bea.client.request("CONTROL", cosigned(bea, control)).code == 200
    assert anna.client.control("member.list", []).code == 200
    # Replayed by either of them, it does nothing.
    assert admin.control("member.suspend", [("name", "anna")]).code == 200
    assert admin.request("CONTROL", control).code == bea.client.request("CONTROL", cosigned(bea, control)).code == 208
    for member in (anna, bea):
        member.client.close()


def test_an_invitation_becomes_a_member_of_the_same_chain(hub, admin):
    guest = bundle.keygen(hub.folder.parent / "py-guest", "carol", (hub.folder / "hub.pub").read_bytes(), hub.request_endpoint)
    home = bundle.keygen(hub.folder.parent / "py-carol", "carol", (hub.folder / "hub.pub").read_bytes(), hub.request_endpoint)
    assert admin.control("member.invite", [("bundle", guest.member_pub), ("role", "publisher,subscriber")]).code == 200
    with Client(guest, hub.request_endpoint) as client:
        assert client.request("STATUS", b"").roles == []
        assert client.publish(report.Report(guest, [report.indicator(N["ipv4"], "203.0.113.5")])).code == 403
        assert client.control("member.list", []).code == 403
        stranger = bundle.keygen(hub.folder.parent / "py-dora", "dora", (hub.folder / "hub.pub").read_bytes(), hub.request_endpoint)
        assert client.control("member.join", [("bundle", stranger.member_pub)]).code == 422
        assert client.control("member.join", [("bundle", home.member_pub)]).code == 200
    with Client(home, hub.request_endpoint) as client:
        made = report.Report(home, [report.indicator(N["ipv4"], "203.0.113.5")])
        assert client.publish(made).code == 200
        ring = client.keyring()                                          # every certificate proves its key
        assert ring.keys[home.key_id].member == "carol" and not ring.keys[home.key_id].invitation
        assert ring.keys[guest.key_id].invitation and not ring.keys[guest.key_id].good_for(1, report.now_us())
        assert client.control("member.join", [("bundle", home.member_pub)]).code == 403


def test_gap_and_recall_of_an_erased_report(hub, admin):
    anna, bob = Python(hub, "anna"), Python(hub, "bob")
    made, _, body = anna.publish([report.indicator(N["ipv4"], "203.0.113.5")])
    _, _, kept = anna.publish([report.indicator(N["ipv4"], "203.0.113.6")])
    with bob.feed() as line:
        line.subscribe(name="s", **{"from": pb.Subscribe.FROM_START})
        entries, _ = line.until_heartbeat(kept.seq)
        assert [e.seq for e in entries] == [body.seq, kept.seq]
        anna.client.request("QUERY", pb.Query(filter="true", wait_seq=kept.seq))
        order = [("report_id", made.id.hex()), ("reason", "court")]
        tried = admin.control("report.erase", [*order, ("dry_run", "yes")])
        assert tried.code == 200 and [{c.name: c.value for c in row.cells}["receiver"] for row in tried.rows] == ["bob"]
        assert admin.control("report.erase", order).code == 200
        while not isinstance((got := line.next()[1]), pb.Recall):
            assert not isinstance(got, pb.Batch)
        assert (got.reason, got.publisher, [(r.seq, r.report_id) for r in got.reports]) == (2, "anna", [(body.seq, made.id)])
        ring = bob.client.keyring()
        assert feed.check_recall(got, ring) == {"admin"}
        for name, value in (("reason", 4), ("signature", bytes(64)), ("key_id", anna.home.key_id), ("command", b""),
                            ("reports", [pb.Recalled(seq=kept.seq, report_id=kept.report_id)])):
            forged = pb.Recall(**{field.name: getattr(got, field.name) for field, _ in got.ListFields()} | {name: value})
            with pytest.raises(scan.Refused):
                feed.check_recall(forged, ring)
    assert anna.client.publish(made).code == 208                         # its place and its receipt are as they were
    with bob.feed() as line:
        line.subscribe(name="t", **{"from": pb.Subscribe.FROM_START})
        frames = []
        while not frames or not isinstance(frames[-1], pb.Batch):
            frames.append(line.next()[1])
        gap = next(f for f in frames if isinstance(f, pb.Gap))
        assert (gap.first_seq, gap.last_seq, gap.reason) == (body.seq, body.seq, 2)
        assert [e.seq for e in frames[-1].entries] == [kept.seq]
        line.until_heartbeat(kept.seq)                                   # the running hash holds the gap, too
    for member in (anna, bob):
        member.client.close()
