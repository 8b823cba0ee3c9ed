"""A history: opened, added to, read, pruned."""

import datetime
import hashlib
import json
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sql

from loadpath.common.command_line import BadUse
from loadpath.history import rows
from loadpath.history.tables import WrongVersion, environments, points, prepare, runs, series

BUSY_SECONDS = 60
LOCK = 0x6C6F6164  # "load": the number of PostgreSQL's advisory lock


def url_of(text):
    """Returns SQLAlchemy's URL of what a user names: a file, or postgresql://…. Raises BadUse."""
    if "://" not in text:
        return sql.URL.create("sqlite", database=str(Path(text).absolute()))
    try:
        url = sql.make_url(text)
    except sql.exc.ArgumentError:
        raise BadUse(f"{text}: not the URL of a database; use a file's name or postgresql://user@host/name") from None
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        raise BadUse(f"{url.render_as_string()}: SQLite and PostgreSQL are known; use a file's name or postgresql://…")
    return url


class Store:
    """A history. Everything is done in transactions; what a method has returned from is kept."""

    def __init__(self, text, create=True):
        """Opens it, and makes it if it is not there and `create` is set. Raises BadUse."""
        self.url = url_of(text)
        self.shown = self.url.render_as_string() if self.url.host else str(self.url.database or text)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and not create and not Path(self.url.database).is_file():
            raise BadUse(f"{self.shown}: there is no history; scripts/history add makes one")
        arguments = {"timeout": BUSY_SECONDS} if self.is_sqlite else {"connect_timeout": 10}
        self.engine = sql.create_engine(self.url, connect_args=arguments, poolclass=sql.pool.NullPool)
        if self.is_sqlite:
            sql.event.listen(self.engine, "connect", _set_up_sqlite)
            sql.event.listen(self.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        with self.transaction() as connection:
            self._lock(connection)
            prepare(connection, create)

    @contextmanager
    def transaction(self):
        """Yields a connection; what it did is kept whole, or not at all. Raises BadUse."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except WrongVersion as error:
            raise BadUse(f"{self.shown}: {error}") from None
        except sql.exc.SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
            raise BadUse(f"{self.shown}: {reason}; nothing was changed") from None

    def add(self, run):
        """Adds a rows.Run. Returns False if it is there already."""
        with self.transaction() as connection:
            self._lock(connection, "_shared")
            if connection.execute(sql.select(runs.c.id).where(runs.c.uid == run.uid)).first():
                return False
            environment = self._id_of(
                connection, environments, "fingerprint", hashlib.sha256(run.environment.encode()).hexdigest(), facts=run.environment
            )
            row = {
                "uid": run.uid,
                "kind": run.kind,
                "date": run.date,
                "added": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                "commit": run.commit,
                "facts": run.facts,
                "environment_id": environment,
                "branch": run.branch,
            }
            inserted = connection.execute(self._insert(runs).values(row).on_conflict_do_nothing().returning(runs.c.id)).scalar()
            if inserted is None:
                return False  # another writer was first
            for key in sorted({point["key"] for point in run.points}):  # in one order, so that two writers never wait for each other
                name = next(point["name"] for point in run.points if point["key"] == key)
                at = self._id_of(connection, series, "key", key, name=name)
                connection.execute(
                    points.insert(),
                    [
                        {**{name: value for name, value in point.items() if name not in ("key", "name")}, "run_id": inserted, "series_id": at}
                        for point in run.points
                        if point["key"] == key
                    ],
                )
            return True

    def _lock(self, connection, kind=""):
        """Many may add at once; who prunes or makes tables is alone. SQLite has one writer anyway."""
        if not self.is_sqlite:
            connection.execute(sql.text(f"SELECT pg_advisory_xact_lock{kind}({LOCK})"))

    def _insert(self, table):
        from sqlalchemy.dialects import postgresql, sqlite

        return (sqlite if self.is_sqlite else postgresql).insert(table)

    def _id_of(self, connection, table, column, value, **others):
        connection.execute(self._insert(table).values({column: value, **others}).on_conflict_do_nothing())
        return connection.execute(sql.select(table.c.id).where(table.c[column] == value)).scalar_one()

    def read(self, pattern=None, metrics=None):
        """Returns a list of dicts, one a point, from the oldest on: run, date, commit, branch, environment, name, key, metric, unit, value,
        low, high, text, samples."""
        query = (
            sql.select(
                runs.c.uid.label("run"),
                runs.c.kind,
                runs.c.date,
                runs.c.commit,
                runs.c.branch,
                runs.c.facts,
                environments.c.facts.label("environment"),
                series.c.name,
                series.c.key,
                points.c.metric,
                points.c.unit,
                points.c.value,
                points.c.low,
                points.c.high,
                points.c.text,
                points.c.samples,
            )
            .join(runs, runs.c.id == points.c.run_id)
            .join(series, series.c.id == points.c.series_id)
            .join(environments, environments.c.id == runs.c.environment_id)
            .order_by(runs.c.date, runs.c.id, points.c.id)
        )
        if metrics:
            query = query.where(points.c.metric.in_(metrics))
        with self.transaction() as connection:
            found = [dict(row._mapping) for row in connection.execute(query)]
        return [row for row in found if pattern is None or pattern.search(row["name"])]

    def runs(self):
        """Returns a list of dicts, one a run, from the oldest on, with the number of its points."""
        count = sql.func.count(points.c.id).label("points")
        query = (
            sql.select(runs.c.uid, runs.c.kind, runs.c.date, runs.c.commit, runs.c.branch, count)
            .join(points, points.c.run_id == runs.c.id, isouter=True)
            .group_by(runs.c.id, runs.c.uid, runs.c.kind, runs.c.date, runs.c.commit, runs.c.branch)
            .order_by(runs.c.date, runs.c.id)
        )
        with self.transaction() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def prune(self, keep=None, before=None):
        """Deletes all but the newest `keep` runs, or those that were measured before a date. Returns how many."""
        with self.transaction() as connection:
            self._lock(connection)
            query = sql.select(runs.c.id).order_by(runs.c.date.desc(), runs.c.id.desc())
            query = query.offset(keep) if keep is not None else query.where(runs.c.date < before)
            if keep is not None and self.is_sqlite:
                query = query.limit(-1)  # SQLite has no OFFSET alone
            gone = [row[0] for row in connection.execute(query)]
            for part in (gone[at : at + 500] for at in range(0, len(gone), 500)):
                connection.execute(points.delete().where(points.c.run_id.in_(part)))
                connection.execute(runs.delete().where(runs.c.id.in_(part)))
            connection.execute(series.delete().where(series.c.id.not_in(sql.select(points.c.series_id))))
            connection.execute(environments.delete().where(environments.c.id.not_in(sql.select(runs.c.environment_id))))
            return len(gone)


def _set_up_sqlite(connection, _):
    connection.isolation_level = None  # transactions are SQLAlchemy's, begun by BEGIN IMMEDIATE
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {1000 * BUSY_SECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # what was acknowledged survives a loss of power
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def add_regress(url, verdicts, about, status):
    """Adds a run of scripts/regress. Raises BadUse."""
    Store(url).add(rows.of_regress(verdicts, about, status))


def dump(store):
    """Yields one JSON line a run: what `import` takes."""
    whole = {}
    for row in store.read():
        run = whole.setdefault(
            row["run"],
            {name: row[name] for name in ("kind", "date", "commit", "branch", "facts", "environment")}
            | {"uid": row["run"], "points": []},
        )
        run["points"].append(
            {name: row[name] for name in ("key", "name", "metric", "unit", "value", "low", "high", "text", "samples")}
        )
    for run in whole.values():
        yield json.dumps(run, ensure_ascii=False, sort_keys=True)
