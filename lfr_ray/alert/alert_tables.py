"""The tables of alerts. Pictures and names stand only where :mod:`lfr_ray.alert.erase_alerts` destroys them.

``events`` is the one append-only feed: its ids only grow, and it holds no picture, name or note, so it
may outlive the alerts that it speaks of.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from lfr_ray.alert.alert_rows import alert_columns

LISTED_BY = {
    **{f"alerts_by_{name}": (name, "seq") for name in ("status", "camera", "category", "deployment")},
    "alerts_by_status_category": ("status", "category", "seq"),
    "alerts_by_moment": ("captured_at", "camera", "category", "status", "deployment", "entry_id", "seq"),
}
"""Indexes from which a page's rows are found without reading any other row."""
SCHEMA_VERSION = 7
UPGRADES = {
    1: ("ALTER TABLE alerts ADD COLUMN probability DOUBLE PRECISION",),
    2: ("ALTER TABLE alerts ADD COLUMN covered VARCHAR(16) DEFAULT '' NOT NULL",),
    3: ("ALTER TABLE subscriptions ADD COLUMN format VARCHAR(16) DEFAULT 'standard' NOT NULL",),
    4: (
        "DROP INDEX alerts_by_capture",
        *(f"CREATE INDEX {name} ON alerts ({', '.join(columns)})" for name, columns in LISTED_BY.items()),
    ),
    5: ("CREATE INDEX IF NOT EXISTS alerts_by_status_category ON alerts (status, category, seq)",),
    6: ("ALTER TABLE sightings ADD COLUMN run VARCHAR(32) DEFAULT '' NOT NULL",),
}
"""What makes a database of one schema version one of the next: alerts under retention must stay within reach."""

_RowId = BigInteger().with_variant(Integer, "sqlite")
"""SQLite only counts upwards by itself for a column of type INTEGER."""

metadata = MetaData()

state = Table(
    "desk",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("schema_version", Integer, nullable=False),
    Column("desk_id", String(32), nullable=False),
    Column("paused_reason", Text, nullable=False, server_default=""),
    Column("paused_at", Double),
)
"""One row for the whole. Every writer locks it first, so that events become visible in the order of their ids."""

alerts = Table(
    "alerts",
    metadata,
    Column("seq", _RowId, primary_key=True, autoincrement=True),
    *alert_columns(),
    Column("verdicts_needed", Integer, nullable=False),
    Index("alerts_by_entry_camera", "entry_id", "camera", "deployment"),
    *(Index(name, *columns) for name, columns in LISTED_BY.items()),
    sqlite_autoincrement=True,
)
"""The fields of :class:`lfr_ray.records.Alert` that are kept; ``verdicts_needed`` is the rule it was raised under."""

sightings = Table(
    "sightings",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("alert_id", ForeignKey("alerts.alert_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("track", BigInteger, nullable=False),
    Column("captured_at", Double, nullable=False),
    Column("captured_s", Double, nullable=False),
    Column("run", String(32), nullable=False, server_default=""),
    Column("similarity", Double, nullable=False),
    Column("views_agreeing", Integer, nullable=False),
    Column("views_compared", Integer, nullable=False),
)
"""One row an idempotency key; the unique key is what makes a repeated sighting harmless."""

images = Table(
    "images",
    metadata,
    Column("alert_id", ForeignKey("alerts.alert_id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("jpeg", LargeBinary, nullable=False),
)

case_records = Table(
    "case_records",
    metadata,
    Column("record_id", _RowId, primary_key=True, autoincrement=True),
    Column("alert_id", ForeignKey("alerts.alert_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("officer", String(64), nullable=False),
    Column("value", String(32), nullable=False),
    Column("note", Text, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("corrects", BigInteger, nullable=False),
    Column("details", JSON, nullable=False),
    Column("request_key", String(200)),
    UniqueConstraint("alert_id", "request_key"),
    sqlite_autoincrement=True,
)
"""What people recorded. Rows are only ever added; a correction is a row that names the one it replaces."""

events = Table(
    "events",
    metadata,
    Column("event_id", _RowId, primary_key=True, autoincrement=True),
    Column("kind", String(32), nullable=False),
    Column("at", Double, nullable=False),
    Column("alert_id", String(32), nullable=False),
    Column("facts", JSON, nullable=False),
    sqlite_autoincrement=True,
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("subscription_id", String(32), primary_key=True),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("delivered_event_id", BigInteger, nullable=False),
    Column("delivered_at", Double),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Double, nullable=False),
    Column("failing_since", Double),
    Column("last_error", Text, nullable=False),
    Column("format", String(16), nullable=False, server_default="standard"),
)
"""``events`` is the outbox; each subscription keeps how far it has been delivered."""

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("subscription_id", String(32), primary_key=True),
    Column("event_id", BigInteger, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("given_up_at", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("next_attempt_at", Double),
)
"""Events that a receiver refused, by number: what is sent again is the alert as it stands then."""

outputs = Table(
    "outputs",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("target", Text, nullable=False),
    Column("sent_event_id", BigInteger, nullable=False),
)
"""How far each way out of the site file is: everything up to that event was taken."""
