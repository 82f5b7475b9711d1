"""What stands in a store: its tables, which of them earlier versions lack, and whether a row is what was written."""

import hashlib
import json
import secrets
import sqlite3
from contextlib import suppress

# Marks a SQLite file as ours: the bytes "CCE1".
APPLICATION_ID = 0x43434531
Row = tuple[str, str, str, str]  # key, request, response, checksum
# In one transaction, so that a second process never sees a table without the mark.
CREATE = f"""BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID};
CREATE TABLE IF NOT EXISTS completions
(key TEXT PRIMARY KEY, request TEXT NOT NULL, response TEXT NOT NULL, checksum TEXT); COMMIT"""
# What stores of earlier versions lack.
TABLES = {
    "manners": "(model TEXT, url TEXT, changes TEXT, PRIMARY KEY (model, url))",
    "spent": "(run TEXT PRIMARY KEY, calls INTEGER, tokens INTEGER, dollars REAL)",
    "log": "(mark TEXT)",
}
# Whether a row is, in SQL. As bytes, since those of a damaged row may be no text.
SOUND = "is_sound(CAST(key AS BLOB), CAST(request AS BLOB), CAST(response AS BLOB), CAST(checksum AS BLOB))"
WITHOUT_CHECKSUMS = "SELECT rowid, key, request, response, NULL AS checksum FROM main.completions"


def checksum(key: str, request: str, response: str) -> str:
    """That of a row, so that a change of any of its bytes is noticed."""
    return hashlib.sha256("\n".join((key, request, response)).encode(errors="surrogatepass")).hexdigest()[:16]


def is_sound(*row: object) -> bool:
    """Whether a row is what was written; of one of an earlier version, without a checksum, whether it is JSON.

    Of a damaged row each column may be of any kind, whatever the table says.
    """
    key, request, response, known = map(_as_text, row)
    if not all(isinstance(text, str) for text in (key, request, response)):
        return False
    if known is not None:
        return checksum(key, request, response) == known
    with suppress(ValueError, RecursionError):
        return isinstance(json.loads(request), dict) and isinstance(json.loads(response), dict)
    return False


def _as_text(value: object) -> object:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def ready(db: sqlite3.Connection, to_read: bool = False) -> sqlite3.Connection:
    """The connection, if it is to a store, with what a store of this version has; one that reads has it for itself."""
    if not _is_ours(db):
        raise sqlite3.DatabaseError("this file is not a store of completions")
    db.create_function("is_sound", 4, is_sound, deterministic=True)
    # A row whose bytes are no text is damaged, and no error.
    db.text_factory = _as_text
    # Every commit reaches the disk before it is one.
    db.execute("PRAGMA synchronous = FULL")
    there = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    columns = {column[1] for column in db.execute("PRAGMA table_info(completions)")}
    if there >= set(TABLES) and "checksum" in columns:
        return db
    make = "CREATE TEMP TABLE" if to_read else "CREATE TABLE IF NOT EXISTS"
    lacking = [f"{make} {name} {of}" for name, of in TABLES.items() if name not in there]
    if "checksum" not in columns:
        old = f"CREATE TEMP VIEW completions AS {WITHOUT_CHECKSUMS}"
        lacking.append(old if to_read else "ALTER TABLE completions ADD COLUMN checksum TEXT")
    if not to_read and "log" not in there:
        name = f"CCE-LOG-{secrets.token_hex(8)}-{0:012}"
        lacking.append(f"INSERT INTO log SELECT '{name}' WHERE NOT EXISTS (SELECT 1 FROM log)")
    db.executescript(f"BEGIN{'' if to_read else ' IMMEDIATE'}; {'; '.join(lacking)}; COMMIT")
    return db


def _is_ours(db: sqlite3.Connection) -> bool:
    return db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
