"""Groups that members make: create, invite, accept, leave, hand over; and what a group's reports are to those outside it."""
import json

import hub as hubs


def groups(member):
    return {row["name"]: row for row in member.json("group", "list")}


def error(done):
    return done.stderr.strip()


def values(member):
    return {item["value"] for item in member.json("query", "true")}


def test_life_of_a_group(hub):
    alice, bob, carol = hub.enrol("alice"), hub.enrol("bob"), hub.enrol("carol")
    alice.isac("group", "create", "banks")
    assert groups(alice)["banks"] == {"name": "banks", "owner": "alice", "members": "alice", "state": "owner", "invited_by": ""}
    alice.publish("198.51.100.1", args=["--group", "banks"])
    assert values(bob) == set()

    alice.isac("group", "invite", "banks", "bob")
    alice.isac("group", "invite", "banks", "bob")                       # once more is fine
    assert values(bob) == set()                                         # an invitation is no membership
    bob.publish("198.51.100.2", args=["--group", "banks"], ok=(1,))     # refused
    assert groups(bob)["banks"] == {"name": "banks", "owner": "alice", "members": "", "state": "invited", "invited_by": "alice"}
    bob.isac("group", "accept", "banks")
    bob.isac("group", "accept", "banks")
    assert values(bob) == {"198.51.100.1"}
    assert groups(bob)["banks"]["members"] == "alice,bob"
    bob.publish("198.51.100.2", args=["--group", "banks"])

    # Only its owner rules it, and the owner does not leave it to nobody.
    assert "only its owner" in error(bob.isac("group", "invite", "banks", "carol", ok=(1,)))
    assert "only its owner" in error(bob.isac("group", "leave", "banks", "alice", ok=(1,)))
    assert "only its owner" in error(bob.isac("group", "give", "banks", "bob", ok=(1,)))
    assert "give the group" in error(alice.isac("group", "leave", "banks", ok=(1,)))
    alice.isac("group", "give", "banks", "bob")
    alice.isac("group", "leave", "banks")
    assert values(alice) == {"198.51.100.1"}                            # its own, and no more
    bob.isac("group", "invite", "banks", "carol")
    carol.isac("group", "leave", "banks")                               # declined
    assert "no group banks" in error(carol.isac("group", "accept", "banks", ok=(1,)))
    assert values(carol) == set() and groups(carol) == {}

    # An owner takes somebody out; he sees what he published, and nothing else of it.
    bob.isac("group", "invite", "banks", "carol")
    carol.isac("group", "accept", "banks")
    assert values(carol) == {"198.51.100.1", "198.51.100.2"}
    bob.isac("group", "leave", "banks", "carol")
    assert values(carol) == set()


def test_a_group_is_unknown_outside_it(hub):
    """Every command and a publication say the same of a group one is not in and of one that does not exist."""
    alice, bob = hub.enrol("alice"), hub.enrol("bob")
    alice.isac("group", "create", "banks")
    for words in (["invite", "banks", "bob"], ["invite", "banks", "alice"], ["accept", "banks"], ["leave", "banks"], ["leave", "banks", "alice"],
                  ["give", "banks", "bob"]):
        there = bob.isac("group", *words, ok=(1,))
        absent = bob.isac("group", *[w.replace("banks", "sknab") for w in words], ok=(1,))
        assert error(there).replace("banks", "sknab") == error(absent) and "no group" in error(there)
    refused = [bob.publish("198.51.100.1", args=["--group", name], ok=(1,))[0] for name in ("banks", "sknab")]
    assert [r["code"] for r in refused] == [422, 422]
    assert refused[0]["error"].replace("banks", "sknab") == refused[1]["error"]
    assert error(bob.isac("group", "create", "banks", ok=(1,))).endswith("exists")      # a name is taken for everybody


def test_clients_have_their_organisations_groups(hub):
    alice, bob, admin = hub.enrol("alice"), hub.enrol("bob"), hub.admin
    client = hub.enrol("shop", "subscriber", "--client-of", "bob")
    for label, value in (("green", "198.51.100.1"), ("amber", "198.51.100.2"), ("amber+strict", "198.51.100.3")):
        alice.publish(value, tlp=label)
    alice.publish("198.51.100.4", tlp="red", args=["--to", "bob"])
    bob.publish("198.51.100.5", tlp="amber+strict")
    assert values(client) == {"198.51.100.1", "198.51.100.2"}
    assert " 403 " in client.isac("sighting", "198.51.100.1", ok=(1,)).stdout               # one organisation is one voice
    assert "client" in alice.publish("198.51.100.6", tlp="red", args=["--to", "shop"], ok=(1,))[0]["error"]

    alice.isac("group", "create", "banks")
    alice.publish("198.51.100.7", tlp="amber", args=["--group", "banks"])
    assert "client" in error(alice.isac("group", "invite", "banks", "shop", ok=(1,)))
    alice.isac("group", "invite", "banks", "bob")
    bob.isac("group", "accept", "banks")
    assert values(client) == {"198.51.100.1", "198.51.100.2", "198.51.100.7"}
    assert groups(client)["banks"]["state"] == "member"
    assert "client" in error(client.isac("group", "create", "mine", ok=(1,)))

    # A client reads, belongs to an organisation, and is shut out with it.
    other = hub.keygen("other")
    add = lambda of, role, ok: error(admin.isac("admin", "member", "add", other.home / "member.pub", "--role", role, "--client-of", of, ok=ok))
    assert "subscriber and analyst" in add("bob", "publisher", (1,))
    assert "client itself" in add("shop", "subscriber", (1,))
    assert "no member nobody" in add("nobody", "subscriber", (1,))
    assert "subscriber and analyst" in error(admin.isac("admin", "member", "role", "shop", "--role", "publisher", ok=(1,)))
    rows = {json.loads(line)["name"]: json.loads(line) for line in admin.isac("--json", "admin", "member", "list").stdout.splitlines()}
    assert rows["shop"]["client_of"] == "bob" and rows["bob"]["client_of"] == "" and rows["shop"]["groups"] == "banks"
    admin.isac("admin", "member", "suspend", "bob")
    client.isac("--timeout", "1", "query", "true", ok=(3,))
    admin.isac("admin", "member", "resume", "bob")
    assert values(client) == {"198.51.100.1", "198.51.100.2", "198.51.100.7"}


def test_who_leaves_the_hub_leaves_its_groups(hub):
    """Its group is the admins' then, its invitations end, and its clients are shut out with it."""
    alice, bob, carol = hub.enrol("alice"), hub.enrol("bob"), hub.enrol("carol")
    invitation = hub.folder.parent / "shop.invitation"
    invite = lambda role, ok: hub.admin.isac("admin", "member", "invite", "shop", "--role", role, "--client-of", "alice", "--output", invitation, ok=ok)
    assert "subscriber and analyst" in error(invite("publisher", (1,)))
    invitation.unlink(missing_ok=True)
    invite("subscriber", (0,))
    shop = hubs.Member(hub, "shop", hub.folder.parent / "home-shop")
    shop.isac("join", invitation)
    alice.isac("group", "create", "banks")
    alice.isac("group", "invite", "banks", "bob")
    bob.isac("group", "accept", "banks")
    bob.publish("198.51.100.1", tlp="amber", args=["--group", "banks"])
    carol.isac("group", "create", "isps")
    carol.isac("group", "invite", "isps", "alice")
    assert values(shop) == {"198.51.100.1"}
    assert "subscriber and analyst" in error(hub.admin.isac("admin", "member", "role", "shop", "--role", "publisher", ok=(1,)))

    alice.isac("leave", "alice")
    rows = groups(hub.admin)
    assert rows["banks"]["owner"] == "" and rows["banks"]["members"] == "bob"
    assert rows["isps"]["owner"] == "carol" and rows["isps"]["members"] == "carol" and rows["isps"]["invited"] == ""
    shop.isac("--timeout", "1", "query", "true", ok=(3,))
    assert "no member alice" in error(carol.isac("group", "invite", "isps", "alice", ok=(1,)))
    hub.admin.isac("admin", "group", "join", "banks", "carol")
    assert values(carol) == {"198.51.100.1"}
    assert "no member alice" in error(hub.admin.isac("admin", "member", "add", hub.keygen("late").home / "member.pub", "--role", "subscriber",
                                                     "--client-of", "alice", ok=(1,)))


def test_no_more_groups_than_the_limit(hub, alice):
    import wirekit as kit
    with kit.Client(kit.home_of(alice), hub.request_endpoint) as client:
        codes = [client.control("group.create", [("name", f"g{i}")]).code for i in range(kit.LIMIT["GROUPS_OWNED"] + 1)]
    assert codes == [200] * kit.LIMIT["GROUPS_OWNED"] + [413]
