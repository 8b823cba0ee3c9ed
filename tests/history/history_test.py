"""scripts/history on both of its stores: what was acknowledged is there, and nothing is there by half."""
import contextlib
import io
import json
import os
import pwd
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("LOADPATH_ROOT", Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(ROOT / "scripts"))

import sqlalchemy  # noqa: E402

from loadpath.history import changes, command, rows, tables  # noqa: E402
from loadpath.history.store import Store, dump  # noqa: E402
from loadpath.verdict import words  # noqa: E402
from loadpath.verdict.judge import Metric, Verdict  # noqa: E402

CASE = {"case": "load", "model": "linear", "format": "zip", "layout": "bare", "path": "direct", "device": "cpu", "cache": "hot", "memory": "backed", "threads": 2}
POINTS = 4  # of each run below: status, time, and two costs


def results(number, read=4002):
    row = {"name": "load/linear/zip/bare/direct/cpu/hot", **CASE, "status": "ok", "samples_ns": [1000 + number] * 5, "bytes_read": read, "allocations": 2}
    context = {"schema_version": "3", "date": f"2026-11-{1 + number // 24:02}T{number % 24:02}:00:00+01:00", "commit": f"{number:040x}", "cpu": "a", "kernel": "6"}
    return {"context": context, "benchmarks": [row], "not_timed": []}


def write(folder, number, **more):
    file = Path(folder) / f"{number}.json"
    file.write_text(json.dumps(results(number, **more)))
    return str(file)


ADDER = """
import sys; sys.path.insert(0, sys.argv[1])
from loadpath.history import rows
from loadpath.history.store import Store
store = Store(sys.argv[2])
for file in sys.argv[3:]:
    store.add(rows.of_results(file))
    print(file, flush=True)
"""


def adder(url, files, **more):
    return subprocess.Popen([sys.executable, "-B", "-c", ADDER, str(ROOT / "scripts"), url, *files], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


class Both:
    """What holds for either store. `self.url` names an empty one."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)
        self.url = self.new_store()

    def files(self, count):
        return [write(self.folder, number) for number in range(count)]

    def whole(self):
        """Returns the runs, each with all of its points."""
        found = Store(self.url).runs()
        self.assertEqual({run["points"] for run in found}, {POINTS} if found else set())
        return found

    def call(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = command.main([*arguments, "--store", self.url], self.folder)
        return status, out.getvalue(), err.getvalue()

    def test_a_run_is_added_once(self):
        file = write(self.folder, 1)
        self.assertEqual(self.call("add", file), (0, f"{file}: added: bench, 4 points of 2026-11-01T00:00:00+00:00\n", ""))
        self.assertEqual(self.call("add", file)[1], f"{file}: is there already: bench, 4 points of 2026-11-01T00:00:00+00:00\n")
        self.assertEqual(len(self.whole()), 1)

    def test_one_that_cannot_be_read_adds_none(self):
        bad = self.folder / "bad.json"
        bad.write_text("[]")
        status, out, err = self.call("add", write(self.folder, 1), str(bad))
        self.assertEqual((status, out), (2, ""))
        self.assertEqual(err, f'history: {bad}: has no list "benchmarks"; bench --json and Google Benchmark\'s --benchmark_out write one\n')
        self.assertEqual(self.whole(), [])

    def test_ten_writers_at_once(self):
        files = self.files(40)
        writers = [adder(self.url, files[at::10] + files[:5]) for at in range(10)]
        for writer in writers:
            _, err = writer.communicate(timeout=120)
            self.assertEqual((writer.returncode, err), (0, ""))
        self.assertEqual(len(self.whole()), 40)
        with Store(self.url).transaction() as connection:
            self.assertEqual(connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(tables.series)).scalar(), 1)

    def test_a_writer_that_is_killed_loses_nothing_that_it_acknowledged(self):
        files = self.files(200)
        for delay in (0.0, 0.05, 0.2):
            self.url = self.new_store()
            writer = adder(self.url, files)
            acknowledged = [writer.stdout.readline()]
            time.sleep(delay)
            writer.send_signal(signal.SIGKILL)
            acknowledged += writer.communicate(timeout=60)[0].splitlines()
            self.assertEqual(writer.returncode, -signal.SIGKILL)
            there = {run["uid"] for run in self.whole()}
            missing = [line for line in acknowledged if line and rows.of_results(line.strip()).uid not in there]
            self.assertEqual(missing, [])
            self.assertLessEqual(len(there) - len(acknowledged), 1)

    def test_what_is_exported_is_imported(self):
        for number in range(3):
            Store(self.url).add(rows.of_results(write(self.folder, number)))
        exported = self.folder / "all.jsonl"
        self.assertEqual(self.call("export", "--output", str(exported))[0], 0)
        self.url = self.new_store()
        self.assertEqual(self.call("import", str(exported)), (0, "3 runs added, 0 were there already\n", ""))
        self.assertEqual(self.call("import", str(exported))[1], "0 runs added, 3 were there already\n")
        self.assertEqual(list(dump(Store(self.url))), exported.read_text().splitlines())
        exported.write_text('{"uid": "x"}\n')
        self.assertEqual(self.call("import", str(exported))[2], f"history: {exported}:1: not a line that scripts/history export wrote: 'kind'\n")

    def test_csv(self):
        Store(self.url).add(rows.of_results(write(self.folder, 1)))
        lines = self.call("export", "--format", "csv")[1].splitlines()
        self.assertEqual(lines[0], "date,kind,commit,branch,name,metric,unit,value,low,high,text,key,environment")
        self.assertEqual(len(lines), 1 + POINTS)
        self.assertIn("load/linear/zip/bare/direct/cpu/hot,time,ns,1001.0,1001.0,1001.0,,", lines[2])

    def test_show(self):
        for number in range(3):
            Store(self.url).add(rows.of_results(write(self.folder, number)))
        self.assertIn("\n3 runs in ", self.call("show")[1])
        self.assertEqual(
            self.call("show", "--filter", "direct", "--last", "1")[1],
            "load/linear/zip/bare/direct/cpu/hot\n  2026-11-01T01:00:00+00:00  000000000000  1.00 us (1.00 us to 1.00 us)\n",
        )
        self.assertEqual(self.call("show", "--metric", "bytes_raed")[2], "history: --metric bytes_raed: no series with this name has it; did you mean bytes_read?\n")

    def test_prune_keeps_the_newest(self):
        for number in range(30):
            Store(self.url).add(rows.of_results(write(self.folder, number)))
        self.assertEqual(self.call("prune", "--keep", "10")[1], "20 runs deleted, 10 are left\n")
        self.assertEqual(self.whole()[0]["date"], "2026-11-01T19:00:00+00:00")
        self.assertEqual(self.call("prune", "--before", "2026-11-02")[1], "5 runs deleted, 5 are left\n")
        self.assertEqual(self.call("prune", "--before", "2027-01-01")[1], "5 runs deleted, 0 are left\n")
        with Store(self.url).transaction() as connection:
            for table in (tables.points, tables.series, tables.environments):
                self.assertEqual(connection.execute(sqlalchemy.select(table)).all(), [])

    def test_a_history_of_version_1_is_brought_up_to_date(self):
        Store(self.url).add(rows.of_results(write(self.folder, 1)))
        with Store(self.url).engine.begin() as connection:
            connection.execute(sqlalchemy.text("ALTER TABLE runs DROP COLUMN branch"))
            connection.execute(tables.meta.update().values(value="1"))
        self.assertEqual([(run["branch"], run["points"]) for run in Store(self.url).runs()], [("", POINTS)])
        with Store(self.url).transaction() as connection:
            self.assertEqual(connection.execute(sqlalchemy.select(tables.meta.c.value)).scalar(), "2")

    def test_a_newer_history_is_refused(self):
        with Store(self.url).engine.begin() as connection:
            connection.execute(tables.meta.update().values(value="99"))
        status, _, err = self.call("show")
        self.assertEqual(status, 2)
        self.assertRegex(err, r"\Ahistory: [^\n]*: is a history of version 99, and this program knows up to 2: update it\n\Z")

    def test_exact_costs_and_paired_ratios_change(self):
        for number in range(20):
            Store(self.url).add(rows.of_results(write(self.folder, number, read=4002 if number < 12 else 8004)))
        out = self.call("show", "--changes")[1]
        self.assertEqual(
            out,
            "2026-11-01T11:00:00+00:00  000000000000  load/linear/zip/bare/direct/cpu/hot: bytes_read 4,002 → 8,004 (exact)\n"
            "1 change in exact costs and paired ratios\n",
        )

    def test_a_comparison_of_two_builds_is_kept(self):
        verdict = Verdict("load/a", words.REGRESSION, metrics=[Metric("time", "ns", 1.0, 1.2, 1.2, 1.1, 1.3)], sentences=["slower"])
        about = {"date": "2026-11-29T05:00:00+00:00", "base": "A", "head": "B", "seed": 1, "command": "scripts/regress"}
        Store(self.url).add(rows.of_regress([verdict], about, 1))
        self.assertEqual(self.call("show", "--metric", "ratio of time")[1], "load/a\n  2026-11-29T05:00:00+00:00                +20.0 % (+10.0 % to +30.0 %)\n")
        self.assertEqual(self.call("show", "--metric", "verdict")[1], "load/a\n  2026-11-29T05:00:00+00:00                REGRESSION; slower\n")


class Sqlite(Both, unittest.TestCase):
    count = 0

    def new_store(self):
        Sqlite.count += 1
        return str(self.folder / f"history{Sqlite.count}.db")

    def test_a_full_disk_leaves_what_was_there(self):
        files = self.files(400)
        Store(self.url).add(rows.of_results(files[0]))
        size = Path(self.url).stat().st_size

        def small():
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + (160 << 10), size + (160 << 10)))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        writer = adder(self.url, files[1:], preexec_fn=small)
        out, err = writer.communicate(timeout=120)
        self.assertEqual(writer.returncode, 1)
        self.assertRegex(err.splitlines()[-1], r"BadUse: .*history\d+\.db: .*; nothing was changed\Z")
        acknowledged = {rows.of_results(line).uid for line in [files[0], *out.splitlines()]}
        self.assertGreater(len(acknowledged), 1)
        self.assertEqual({run["uid"] for run in self.whole()}, acknowledged)

    def test_another_database_is_refused(self):
        with sqlite3.connect(self.url) as connection:
            connection.execute("CREATE TABLE t (a)")
        connection.close()
        self.assertEqual(self.call("show")[2], f"history: {self.url}: has other tables: it is no history; name another database\n")
        Path(self.url).write_bytes(b"no database at all" * 100)
        self.assertEqual(self.call("show")[2], f"history: {self.url}: file is not a database; nothing was changed\n")

    def test_bad_use_is_one_line(self):
        for arguments, text in (
            ([], "which command? add, show, export, import, prune (scripts/history --help)"),
            (["shwo"], "unknown command: shwo; did you mean show? (scripts/history --help)"),
            (["add"], "which FILE? (scripts/history --help)"),
            (["show"], f"{self.url}: there is no history; scripts/history add makes one"),
            (["prune", "--keep", "0"], "--keep 0: not a whole number from 1 on"),
            (["prune"], "prune needs --keep N or --before DATE"),
            (["export", "--format", "xml"], "--format xml: not known; use json or csv"),
            (["export"], f"{self.url}: there is no history; scripts/history add makes one"),
        ):
            self.assertEqual(self.call(*arguments), (2, "", f"history: {text}\n"))
        self.url = "mysql://a/b"
        self.assertEqual(self.call("show")[2], "history: mysql://a/b: SQLite and PostgreSQL are known; use a file's name or postgresql://…\n")


def server_folder():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@unittest.skipUnless(server_folder(), "PostgreSQL's server is not installed (Debian's postgresql)")
class Postgres(Both, unittest.TestCase):
    """A server of its own on a Unix socket, as another user if this is root: PostgreSQL refuses root."""

    count = 0

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.place = Path(holder.name)
        cls.place.chmod(0o755)
        data = cls.place / "data"
        data.mkdir(mode=0o700)
        cls.user = {}
        if os.getuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(data, account.pw_uid, account.pw_gid)
            os.chown(cls.place, account.pw_uid, account.pw_gid)
            cls.user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        tool = server_folder()
        subprocess.run([tool / "initdb", "--auth=trust", "--username=loadpath", "--encoding=UTF8", "--locale=C", "-D", data], check=True, capture_output=True, cwd=cls.place, **cls.user)
        cls.server = subprocess.Popen(
            [tool / "postgres", "-D", data, "-k", cls.place, "-c", "listen_addresses="], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=cls.place, **cls.user
        )
        cls.addClassCleanup(cls.stop)
        engine = cls.engine()
        for _ in range(200):
            with contextlib.suppress(sqlalchemy.exc.OperationalError), engine.connect():
                return
            time.sleep(0.1)
        raise AssertionError("the server did not start")

    @classmethod
    def engine(cls):
        return sqlalchemy.create_engine(f"postgresql+psycopg://loadpath@/postgres?host={cls.place}", isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.pool.NullPool)

    @classmethod
    def stop(cls):
        cls.server.send_signal(signal.SIGINT)
        cls.server.wait(timeout=60)

    def new_store(self):
        Postgres.count += 1
        with self.engine().connect() as connection:
            connection.execute(sqlalchemy.text(f"CREATE DATABASE history{Postgres.count}"))
        return f"postgresql://loadpath@/history{Postgres.count}?host={self.place}"

    def test_a_server_that_is_not_there_is_one_line(self):
        self.url = f"postgresql://loadpath@/history?host={self.place}/none"
        status, out, err = self.call("show")
        self.assertEqual((status, out), (2, ""))
        self.assertRegex(err, r"\Ahistory: [^\n]*connection[^\n]*; nothing was changed\n\Z")


class Changes(unittest.TestCase):
    def test_otava_finds_a_step_in_paired_ratios_and_none_in_noise(self):
        import random

        source = random.Random(2)

        def points(step):
            return [
                {"name": "a", "key": "k", "metric": "ratio of time", "unit": "ratio", "value": source.gauss(1.0 if at < 20 else step, 0.01), "date": f"{at:03}", "commit": str(at)}
                for at in range(40)
            ]

        self.assertEqual(changes.changes(points(1.0)), [])
        found = changes.changes(points(1.1))
        self.assertEqual([change["commit"] for change in found], ["20"])
        self.assertAlmostEqual(found[0]["after"], 1.1, delta=0.02)

    def test_raw_times_are_not_looked_at(self):
        point = {"name": "a", "key": "k", "metric": "time", "unit": "ns", "date": "1", "commit": ""}
        self.assertEqual(changes.changes([{**point, "value": float(at)} for at in range(40)]), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
