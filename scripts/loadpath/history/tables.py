"""The tables of a history, the same for SQLite and PostgreSQL, and how an older one is brought up to date.

A run is added by one transaction: it is there whole or not at all, and once `add` has said so it stays. A series is
keyed by the fields of its case, never by its display name; the environment that a run was measured in stands apart, so
that one series goes on over machines and upgrades."""

import sqlalchemy as sql

VERSION = 2
metadata = sql.MetaData()

meta = sql.Table(
    "meta", metadata, sql.Column("key", sql.String(64), primary_key=True), sql.Column("value", sql.Text, nullable=False)
)
environments = sql.Table(
    "environments",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("fingerprint", sql.String(64), nullable=False, unique=True),  # SHA-256 of the facts
    sql.Column("facts", sql.Text, nullable=False),  # JSON, sorted
)
runs = sql.Table(
    "runs",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("uid", sql.String(64), nullable=False, unique=True),  # SHA-256 of what was added
    sql.Column("kind", sql.String(16), nullable=False),  # bench, google or regress
    sql.Column("date", sql.String(32), nullable=False),  # when it was measured: ISO 8601, UTC
    sql.Column("added", sql.String(32), nullable=False),
    sql.Column("commit", sql.String(80), nullable=False),
    sql.Column("facts", sql.Text, nullable=False),  # JSON: version, libtorch, compiler, command, seed
    sql.Column("environment_id", sql.Integer, sql.ForeignKey("environments.id"), nullable=False),
    sql.Column("branch", sql.String(200), nullable=False, server_default=""),  # since version 2
)
series = sql.Table(
    "series",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("key", sql.String(700), nullable=False, unique=True),  # JSON of the fields, sorted
    sql.Column("name", sql.Text, nullable=False),  # as it was last called
)
points = sql.Table(
    "points",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("run_id", sql.Integer, sql.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    sql.Column("series_id", sql.Integer, sql.ForeignKey("series.id"), nullable=False),
    sql.Column("metric", sql.String(64), nullable=False),  # time, ratio, bytes_read, …, or status
    sql.Column("unit", sql.String(16), nullable=False),
    sql.Column("value", sql.Double, nullable=True),
    sql.Column("low", sql.Double, nullable=True),
    sql.Column("high", sql.Double, nullable=True),
    sql.Column("text", sql.Text, nullable=False, server_default=""),  # of a status: its word and reason
    sql.Column("samples", sql.Text, nullable=False, server_default=""),  # JSON
    sql.UniqueConstraint("run_id", "series_id", "metric"),
)
sql.Index("points_by_series", points.c.series_id, points.c.metric)


class WrongVersion(Exception):
    """The store is of a version that is not known here, or not a history. Its text is one sentence."""


def _to_2(connection):
    connection.execute(sql.text("ALTER TABLE runs ADD COLUMN branch VARCHAR(200) NOT NULL DEFAULT ''"))


# What brings a store from the version before to this one.
MIGRATIONS = {2: _to_2}


def prepare(connection, create=True):
    """Makes the tables if `create` is set, or brings them up to date, within the caller's transaction. Raises WrongVersion."""
    names = set(sql.inspect(connection).get_table_names())
    if not names and not create:
        raise WrongVersion("is empty: there is no history; scripts/history add makes one")
    if not names:
        metadata.create_all(connection)
        connection.execute(meta.insert().values(key="version", value=str(VERSION)))
        return
    if "meta" not in names or "points" not in names:
        raise WrongVersion("has other tables: it is no history; name another database")
    found = connection.execute(sql.select(meta.c.value).where(meta.c.key == "version")).scalar()
    version = int(found) if found and found.isdigit() else 0
    if version < 1 or version > VERSION:
        raise WrongVersion(f"is a history of version {found}, and this program knows up to {VERSION}: update it")
    for step in range(version + 1, VERSION + 1):
        MIGRATIONS[step](connection)
    if version < VERSION:
        connection.execute(meta.update().where(meta.c.key == "version").values(value=str(VERSION)))
