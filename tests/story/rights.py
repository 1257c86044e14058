"""Who may see what: a second implementation of the rule, and random worlds to ask it and the hub about.

Written from the design and from proto/README.md section 7 alone, not from the hub's own rule. A world is literal: names, labels, groups.
`Rule` says who sees what in it; `Town` makes it real on a live hub, through the protocol and nothing else.
"""
import ipaddress
import random

import wirekit as kit
from hub import SLOW
from isac1 import bundle, feed as feeds, merkle, report
from isac1.client import Client, Feed
from isac1.messages import pb
from isac1.tables import LIMIT, VALUE_NUMBER

CLEAR, GREEN, AMBER, STRICT, RED = range(1, 6)
LABELS = (CLEAR, GREEN, AMBER, STRICT, RED)
BLOCK = 32      # reports whose values lie in one /24: few enough for all of them to be in one answer


def value_of(number):
    return str(ipaddress.ip_address("93.0.0.0") + number // BLOCK * 256 + number % BLOCK)


LAST = "94.0.0.0"


def network_of(first, world):
    """The block of this number; behind the last one, that of the newest report."""
    return f"{value_of(first)}/24" if first < len(world.indicators) else f"{LAST}/24"


class Person:
    """A member organisation, or the client of one."""

    def __init__(self, name, roles, client_of=None):
        self.name, self.roles, self.client_of = name, set(roles), client_of
        self.groups, self.suspended = set(), False


class Paper:
    """One report: what its header says of who may see it."""

    def __init__(self, number, publisher, label, groups=(), recipients=(), supersedes=None, about=None, kind=pb.KIND_INDICATOR):
        self.number, self.publisher, self.label = number, publisher, label
        self.groups, self.recipients, self.supersedes = frozenset(groups), frozenset(recipients), supersedes
        self.about, self.kind = about, kind
        self.value = about.value if about else value_of(number)
        self.id = self.seq = None
        self.ended = False

    @property
    def original(self):
        return self.about or self.supersedes

    def say(self, number, kind, publisher):
        """A report about this one: it has its audience, and its publisher as one more whom it names."""
        return Paper(number, publisher, self.label, self.groups, self.recipients | ({self.publisher} if self.label == RED else set()), about=self, kind=kind)


class World:
    def __init__(self, seed, members, reports):
        self.random = rnd = random.Random(seed)
        self.group_names = [f"group{i}" for i in range(max(3, members // 6))]
        self.people = {}
        for i in range(members):
            name, firms = f"m{i:03}", [p for p in self.people.values() if p.client_of is None]
            if i >= 4 and rnd.random() < 0.2:
                person = Person(name, ["subscriber"], rnd.choice(firms).name)
            else:
                person = Person(name, rnd.choice((["publisher", "subscriber"], ["publisher", "subscriber"], ["publisher", "analyst"],
                                                  ["subscriber"], ["publisher", "subscriber", "auditor"])) if i >= 3 else ["publisher", "subscriber"])
                person.groups = {g for g in self.group_names if rnd.random() < 0.3}
            self.people[name] = person
        firms = [p.name for p in self.people.values() if p.client_of is None]
        publishers = [p for p in self.people.values() if "publisher" in p.roles]
        self.papers = []
        for n in range(reports):
            own = [p for p in self.papers if not p.supersedes]
            if own and rnd.random() < 0.15:
                before = rnd.choice(own)
                self.papers.append(self.lowered(n, before) if before.label == RED and rnd.random() < 0.5 else
                                   Paper(n, before.publisher, before.label, before.groups, before.recipients, before))
                before.ended = True
                continue
            by = rnd.choice(publishers)
            label = rnd.choice(LABELS)
            groups = rnd.sample(sorted(by.groups), min(len(by.groups), rnd.choice((0, 0, 1, 2))))
            others = [name for name in firms if name != by.name]
            to = rnd.sample(others, rnd.randint(1, min(4, len(others)))) if label == RED else ()
            self.papers.append(Paper(n, by.name, label, groups, to))
        self.indicators = list(self.papers)
        self.speak()
        # The newest of all, for everybody to see: whoever was told of its end was told of every other's.
        self.last = Paper(len(self.papers), "m000", CLEAR)
        self.last.value = LAST
        self.papers.append(self.last)

    def lowered(self, number, before):
        """A successor for more members. Of sealed ones only: what those held the hub does not know, so it need not be said again here."""
        groups = before.groups if self.random.random() < 0.5 else ()
        return Paper(number, before.publisher, self.random.choice([label for label in LABELS if label != RED]), groups, (), before)

    def speak(self):
        """What is said about what is there: by whoever may see it; withdrawals by its publisher."""
        rnd, rule = self.random, Rule(self)
        for paper in self.indicators:
            for person in rnd.sample(list(self.people.values()), 2):
                if person.client_of is None and rule.sees(person, paper) and person.roles & {"publisher", "subscriber", "analyst"} and rnd.random() < 0.4:
                    self.papers.append(paper.say(len(self.papers), pb.KIND_SIGHTING, person.name))
            if rnd.random() < 0.1:
                self.papers.append(paper.say(len(self.papers), pb.KIND_WITHDRAWAL, paper.publisher))
                paper.ended = True

    def unsettle(self):
        """Other rights than before: groups are joined and left, members are shut out."""
        rnd, moves = self.random, []
        for person in self.people.values():
            if person.client_of:
                continue
            for group in self.group_names:
                if rnd.random() < 0.25:
                    moves.append(("leave" if group in person.groups else "join", group, person.name))
                    person.groups ^= {group}
            if rnd.random() < 0.12:
                person.suspended = True
                moves.append(("suspend", None, person.name))
        return moves


class Rule:
    """The rule. A publisher sees its own; else the label decides, and groups narrow it; the stricter of all wins."""

    def __init__(self, world):
        self.world = world

    def shut_out(self, person):
        return person.suspended or (person.client_of is not None and self.world.people[person.client_of].suspended)

    def groups(self, person):
        """A client's are its organisation's."""
        return self.world.people[person.client_of].groups if person.client_of else person.groups

    def sees(self, person, paper):
        if self.shut_out(person):
            return False
        if person.name == paper.publisher:          # never a client: they publish nothing
            return True
        in_group = not paper.groups or bool(paper.groups & self.groups(person))
        reached = {CLEAR: True, GREEN: True, AMBER: True,       # clear and green: everybody here; amber: members and, through them, their clients
                   STRICT: person.client_of is None,            # organisations only
                   RED: person.client_of is None and person.name in paper.recipients}[paper.label]
        return in_group and reached

    def knows(self, person, paper):
        """Of what is sealed nobody but its readers knows the values."""
        return self.sees(person, paper) and paper.label != RED and paper.kind == pb.KIND_INDICATOR

    def counts(self, person, paper):
        """Indicators are counted, what is said about them is not."""
        return self.sees(person, paper) and paper.kind == pb.KIND_INDICATOR

    def outlives(self, person, paper):
        """Whose end is told: what stands, and says so to the hub."""
        return self.knows(person, paper) and not paper.ended

    def reads(self, person):
        return not self.shut_out(person) and bool(person.roles & {"subscriber", "analyst"})

    def told_who(self, person, paper):
        """To whom was it sent? For its publisher, for auditors (and admins)."""
        return not self.shut_out(person) and (person.name == paper.publisher or "auditor" in person.roles)


class Town:
    """A world on a live hub."""

    def __init__(self, hub, world, folder):
        self.hub, self.world, self.rule = hub, world, Rule(world)
        self.admin = Client(kit.home_of(hub.admin), hub.request_endpoint)
        self.homes, self.clients, self.sessions = {}, {}, {}
        for name in world.group_names:
            self.order("group.add", [("name", name)])
        for person in world.people.values():
            self.enrol(person, folder / person.name)
        self.by_id = {}

    def order(self, verb, args):
        got = self.admin.control(verb, args)
        assert got.code == 200, (verb, args, got.text)

    def enrol(self, person, folder):
        home = bundle.keygen(folder, person.name, (self.hub.folder / "hub.pub").read_bytes(), self.hub.request_endpoint)
        args = [("bundle", home.member_pub), ("role", ",".join(sorted(person.roles)))]
        if person.client_of:
            args.append(("client_of", person.client_of))
        self.order("member.add", args)
        self.homes[person.name] = home
        for group in person.groups:
            self.order("group.join", [("group", group), ("member", person.name)])

    def client(self, name):
        if name not in self.clients:
            self.clients[name] = self.listen(name, Client(self.homes[name], self.hub.request_endpoint))
        return self.clients[name]

    def listen(self, name, socket):
        """Every connection passes here: a town with ears keeps what is said."""
        return socket

    def close(self):
        for one in [self.admin, *self.clients.values(), *self.sessions.values()]:
            one.close()

    def readers(self):
        return [p for p in self.world.people.values() if self.rule.reads(p)]

    # ---- publishing, and changes of rights

    def publish(self, window=64):
        """Everything, one publisher after the other, what is about a report once that is there; the sequence numbers by paper."""
        last, world = self.world.last, self.world.papers
        for these in ([p for p in world if not p.original and p is not last], [p for p in world if p.supersedes], [p for p in world if p.about], [last]):
            self.publish_these(these, window)
        self.by_id = {p.id: p for p in world}
        self.head = max(p.seq for p in world)

    def publish_these(self, these, window):
        for name in sorted({p.publisher for p in these}):
            client, waiting = self.client(name), {}
            papers = [p for p in these if p.publisher == name]
            while papers or waiting:
                while papers and len(waiting) < window:
                    paper = papers.pop()
                    made = self.make(paper)
                    paper.id = bytes(made.id)
                    waiting[client.send("SUBMIT", made.submit)] = paper
                head, got = client.receive()
                assert got.code == 200, got
                paper = waiting.pop(head.request_id)
                paper.seq = pb.ReceiptBody.FromString(got.body).seq

    def items(self, paper):
        ipv4 = VALUE_NUMBER["ipv4"]
        gone = lambda value: pb.Item(withdrawal=pb.Withdrawal(type=ipv4, value=value)).SerializeToString()
        if paper.kind == pb.KIND_SIGHTING:
            return [pb.Item(sighting=pb.Sighting(type=ipv4, value=paper.value, verdict=pb.VERDICT_POSITIVE)).SerializeToString()]
        if paper.kind == pb.KIND_WITHDRAWAL:
            return [gone(paper.value)]
        replaces = paper.supersedes and paper.label == paper.supersedes.label
        return [report.indicator(ipv4, paper.value), *([gone(paper.supersedes.value)] if replaces else [])]

    def make(self, paper):
        def change(header):
            header.kind = paper.kind
            if paper.supersedes:
                header.supersedes = paper.supersedes.id
            if paper.about:
                header.about, header.about_publisher = paper.about.id, paper.about.publisher
        return report.Report(self.homes[paper.publisher], self.items(paper), tlp=paper.label, groups=() if paper.about else sorted(paper.groups),
                             recipients=() if paper.about else sorted(paper.recipients), change=change, readers=self.readers_of(paper))

    def readers_of(self, paper):
        """Whom a red report is sealed to."""
        return {name: self.homes[name].curve_public for name in sorted(paper.recipients | {paper.publisher})} if paper.label == RED else None

    def unsettle(self):
        for verb, group, name in self.world.unsettle():
            self.order("member.suspend", [("name", name)]) if verb == "suspend" else self.order(f"group.{verb}", [("group", group), ("member", name)])

    # ---- the paths: each gives, by member, the numbers of the papers that it was shown

    def numbers(self, entries):
        return {self.by_id[bytes(feeds.opened(e.header, pb.Header, reader=True).report_id)].number for e in entries}

    def watch(self):
        """Opens a live session for each reader."""
        for person in self.readers():
            feed = self.listen(person.name, Feed(self.homes[person.name], self.hub.feed_endpoint))
            got = feed.subscribe(**{"from": pb.Subscribe.FROM_NOW})
            assert isinstance(got, pb.Subscribed), got
            self.sessions[person.name] = feed

    def live(self):
        return {name: self.numbers(feed.until_heartbeat(self.head)[0]) for name, feed in self.sessions.items()}

    def catch_up(self):
        shown = {}
        for person in self.readers():
            with self.listen(person.name, Feed(self.homes[person.name], self.hub.feed_endpoint)) as feed:
                got = feed.subscribe(**{"from": pb.Subscribe.FROM_START})
                assert isinstance(got, pb.Subscribed), got
                shown[person.name] = self.numbers(feed.until_heartbeat(self.head)[0])
        return shown

    def query(self):
        shown = {}
        for person in self.readers():
            cursor, shown[person.name] = b"", set()
            while True:
                page = self.client(person.name).request("QUERY", pb.Query(filter="true", limit=LIMIT["PAGE_ITEMS"], cursor=cursor, wait_seq=self.head))
                assert isinstance(page, pb.QueryResult), page
                shown[person.name] |= self.numbers(page.entries)
                cursor = page.cursor
                if not cursor:
                    break
        return shown

    def preview(self):
        """By networks that hold fewer reports than a slice shows; what is counted must be what is shown. The few
        sealed ones are in every answer."""
        shown = {}
        for person in self.readers():
            shown[person.name] = seen = set()
            for first in range(0, len(self.world.indicators) + BLOCK, BLOCK):
                cursor = b""
                while True:
                    ask = pb.Preview(filter=f"value in {network_of(first, self.world)}", items=LIMIT["PREVIEW_ITEMS"], cursor=cursor)
                    got = self.client(person.name).request("PREVIEW", ask)
                    assert isinstance(got, pb.PreviewResult), got
                    assert got.reports == len(got.entries)
                    seen |= self.numbers(got.entries)
                    cursor = got.cursor
                    if not cursor:
                        break
        return shown

    def ask_each(self, people, name, make, window=128):
        """One question a report, many under way; by member: the answers by number, None for a refusal, all of which must be alike."""
        answers = {}
        for person in people:
            client, waiting, papers, got = self.client(person.name), {}, list(self.world.papers), {}
            while papers or waiting:
                while papers and len(waiting) < window:
                    paper = papers.pop()
                    waiting[client.send(name, make(paper))] = paper
                head, answer = client.receive()
                paper = waiting.pop(head.request_id)
                if isinstance(answer, pb.Error):
                    assert (answer.code, answer.text) == (404, "no such report"), answer
                got[paper.number] = None if isinstance(answer, pb.Error) else answer
            answers[person.name] = got
        return answers

    def why(self):
        got = self.ask_each(self.readers(), "WHY", lambda paper: pb.Why(report_id=paper.id, publisher=paper.publisher))
        return {name: {n for n, answer in one.items() if answer} for name, one in got.items()}

    def life(self):
        """The state of every value: told to whom it is known, with the sightings that he may see of it, one voice a member."""
        got = self.ask_each(self.readers(), "LIFE", lambda paper: pb.Life(type=VALUE_NUMBER["ipv4"], value=paper.value, wait_seq=self.head))
        people, shown = self.world.people, {}
        for name, answers in got.items():
            shown[name] = set()
            for paper in self.indicators():
                answer = answers[paper.number]
                voices = {p.publisher for p in self.world.papers
                          if p.about is paper and p.kind == pb.KIND_SIGHTING and p.label != RED and self.rule.sees(people[name], p)}
                assert answer.positive == len(voices) and answer.mentions == answer.publishers <= 1, (name, paper.number, answer)
                assert answer.withdrawn == (answer.mentions and paper.ended), (name, paper.number, answer)
                if answer.mentions:
                    shown[name].add(paper.number)
        return shown

    def indicators(self):
        return [*self.world.indicators, self.world.last]

    def expired(self):
        """All of it has come to its end: who was sent what still stood is told so, the newest last."""
        self.order("life.set", [("type", "ipv4"), ("age_days", "1"), ("speed", "1")])
        self.hub.sql("UPDATE isac.report SET received = received - interval '10 days'; UPDATE isac.mention SET refreshed = refreshed - interval '10 days'")
        shown = {}
        for person in self.readers():
            shown[person.name] = seen = set()
            with self.listen(person.name, Feed(self.homes[person.name], self.hub.feed_endpoint)) as feed:
                got = feed.subscribe(**{"from": pb.Subscribe.FROM_START})
                assert isinstance(got, pb.Subscribed), got
                while self.world.last.number not in seen:
                    _, message = feed.next()
                    if isinstance(message, pb.Batch):
                        feed.credit(message.ByteSize())
                    elif isinstance(message, pb.Expired):
                        assert all(entry.state == 3 for entry in message.entries)
                        seen |= self.numbers(message.entries)
        return shown

    def lookup(self):
        """By the keys of all values that there are."""
        number = VALUE_NUMBER["ipv4"]
        papers = self.indicators()
        keys = [merkle.H(bytes([number]) + paper.value.encode())[:16] for paper in papers]
        shown = {}
        for person in self.readers():
            shown[person.name] = seen = set()
            for first in range(0, len(keys), LIMIT["LOOKUP_KEYS"]):
                got = self.client(person.name).request("LOOKUP", pb.Lookup(keys=keys[first:first + LIMIT["LOOKUP_KEYS"]], wait_seq=self.head))
                assert isinstance(got, pb.LookupResult), got
                seen |= {papers[first + known.key].number for known in got.known}
        return shown

    def related(self):
        """Every value is asked what lies in its network: a block at a time, so that all neighbours fit into an answer."""
        shown, numbers = {}, {paper.value: paper.number for paper in self.indicators()}
        for person in self.readers():
            shown[person.name] = seen = set()
            for first in range(0, len(self.world.indicators) + BLOCK, BLOCK):
                ask = pb.Related(type=VALUE_NUMBER["cidr"], value=network_of(first, self.world), limit=100, wait_seq=self.head)
                got = self.client(person.name).request("RELATED", ask)
                assert isinstance(got, pb.RelatedResult), got
                seen |= {numbers[v.value] for r in got.relations for v in r.values}
        return shown

    def versions(self):
        """Each report by its id: an empty list for what is not there. A successor is named to those alone who may see it."""
        got = self.ask_each(self.readers(), "VERSIONS", lambda paper: pb.Versions(report_id=paper.id, publisher=paper.publisher, wait_seq=self.head))
        people, shown = self.world.people, {}
        for name, answers in got.items():
            shown[name] = {n for n, answer in answers.items() if answer.entries}
            for n, answer in answers.items():
                paper = self.world.papers[n]
                due = {p.id for p in self.world.papers
                       if p.supersedes is paper and self.rule.sees(people[name], p)}
                assert {bytes(later.report_id) for later in answer.later} == due, (name, n)
        return shown

    def stats(self):
        """How many reports of each publisher: right for all of one or, since numbers name nothing, for none."""
        shown = {}
        for person in self.readers():
            got = self.client(person.name).request("STATISTICS", pb.Statistics(question=4, wait_seq=self.head))
            assert isinstance(got, pb.StatisticsResult), got
            told = {count.name: count.reports for count in got.counts}
            shown[person.name] = set()
            for name in {p.publisher for p in self.world.papers}:
                due = {p.number for p in self.world.papers if p.publisher == name and self.rule.counts(person, p)}
                if told.get(name, 0) == len(due):
                    shown[person.name] |= due
                else:
                    shown[person.name] |= {-1}
        return shown

    def who_asks(self):
        """Who is told to whom it was sent."""
        people = [p for p in self.world.people.values() if not self.rule.shut_out(p)]
        self.told = self.ask_each(people, "WHO", lambda paper: pb.Who(report_id=paper.id, publisher=paper.publisher))
        return {name: {n for n, answer in one.items() if answer} for name, one in self.told.items()}

    def who_got(self):
        """To whom it was sent, as its publisher is told."""
        shown = {name: set() for name in self.sessions}
        for paper in self.world.papers:
            for sent in self.told[paper.publisher][paper.number].sent:
                assert not sent.maybe and sent.items == (2 if paper.supersedes and paper.label != RED else 1)
                shown[sent.member].add(paper.number)
        return shown

    # ---- the predicate by itself, and its SQL

    def judge(self, driver, run):
        """The hub's own predicate, over what the database says members and audiences are. Also keeps what it says of audiences."""
        ids = {}
        for line in self.hub.sql("SELECT m.name, m.id, m.client_of IS NOT NULL, m.suspended OR COALESCE(o.suspended, false), "
                                 "array_to_string(ARRAY(SELECT group_id FROM member_group_member g WHERE g.member_id = COALESCE(m.client_of, m.id)"
                                 " ORDER BY 1), ',') FROM member m LEFT JOIN member o ON o.id = m.client_of").splitlines():
            name, number, client, suspended, groups = line.split("|")
            ids[name] = (number, int(client == "t"), int(suspended == "t"), groups or "-")
        people = list(self.world.people)
        group_id = dict(line.split("|") for line in self.hub.sql("SELECT name, id FROM member_group").splitlines())
        ask = ["m %s %s %s %s" % ids[name] for name in people]
        listed = lambda found: ",".join(sorted(found, key=int)) or "-"
        ask += [f"a {p.label} {listed([group_id[g] for g in p.groups])} {listed([ids[r][0] for r in p.recipients])} {ids[p.publisher][0]}"
                for p in self.world.papers]
        rows = self.hub.sql("SELECT id, tlp, array_to_string(groups, ','), array_to_string(recipients, ',') FROM audience ORDER BY id").splitlines()
        audiences = [row.split("|") for row in rows]
        ask += [f"a {tlp} {groups or '-'} {recipients or '-'} 0" for _, tlp, groups, recipients in audiences]
        answers = run(driver, "--judge", stdin="\n".join(ask) + "\n").stdout.splitlines()
        assert len(answers) == len(people)
        papers = len(self.world.papers)
        self.visible = {name: (ids[name][0], [audiences[i][0] for i, bit in enumerate(line[papers:]) if bit == "1"])
                        for name, line in zip(people, answers)}
        return {name: {i for i, bit in enumerate(line[:papers]) if bit == "1"} for name, line in zip(people, answers)}

    def sql(self):
        """The condition that history and all that is like it put into SQL: what judge() found visible, as a list of audiences."""
        text = "".join(f"SELECT '{name}', string_agg(seq::text, ',') FROM report WHERE audience_id = ANY ('{{{','.join(seen)}}}'::int[])"
                       f"{'' if self.rule.shut_out(self.world.people[name]) else f' OR publisher_id = {number}'};"
                       for name, (number, seen) in self.visible.items())
        by_seq = {p.seq: p.number for p in self.world.papers}
        shown = {}
        for line in self.hub.sql(text).splitlines():
            name, seqs = line.split("|")
            shown[name] = {by_seq[int(seq)] for seq in seqs.split(",") if seq}
        return shown


__all__ = ["Paper", "Person", "Rule", "SLOW", "Town", "World"]
