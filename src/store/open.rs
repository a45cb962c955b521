//! Opening: a file proves to be ours, whole and sealed with our key before a byte of it changes; a fresh one appears
//! under its name only when it is complete.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, StorageBackend, WriteTransaction};

use super::fault::{Fault, OpenError, caught};
use super::gate::Gate;
use super::options::Options;
use super::tables::{self, SCHEMA, Tally};
use super::unfinished::{Unfinished, make_directory};
use super::vault::{KeyFile, VaultKey};
use crate::failpoint::{Point, reach};

/// Files up to this size are checked page by page at every start, larger ones as their rows are read: a start must
/// not wait for a walk over gigabytes. Bytes.
const CHECK_WHOLE: u64 = 32 << 20;

/// A store that may be used.
pub struct Opened {
    /// The engine.
    pub db: Database,
    /// What stands before its file.
    pub gate: Gate,
    /// The key its secrets are sealed with.
    pub key: VaultKey,
    /// Where that key lies.
    pub key_file: KeyFile,
    /// Where the feed stands.
    pub tally: Tally,
    /// When forgetting was last done.
    pub swept: u64,
}

/// Opens or makes the store at `path`.
pub fn at_path(path: &Path, options: &Options) -> Result<Opened, OpenError> {
    let opening = Opening { path, options, key_file: options.key_file(path) };
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => opening.existing(file),
        Err(error) if error.kind() == ErrorKind::NotFound => opening.fresh(),
        Err(source) => Err(opening.refused("open", source)),
    }
}

/// Opens or makes a store on any backend; an empty one is made into a store where it is.
pub fn on_backend(backend: Box<dyn StorageBackend>, options: &Options) -> Result<Opened, OpenError> {
    let path = Path::new("the given backend");
    let opening = Opening { path, options, key_file: options.key_file(path) };
    let length = backend.len().map_err(|source| opening.refused("measure", source))?;
    if length > 0 { opening.validated(backend, length) } else { opening.made(backend) }
}

struct Opening<'a> {
    path: &'a Path,
    options: &'a Options,
    key_file: KeyFile,
}

impl Opening<'_> {
    fn existing(&self, file: File) -> Result<Opened, OpenError> {
        let length = file.metadata().map_err(|source| self.refused("measure", source))?.len();
        if length == 0 {
            return Err(self.damaged("it is empty, and no store ever is"));
        }
        self.validated(self.locking(file)?, length)
    }

    /// Makes the store under another name and puts it in place only when whole: a crash leaves nothing half-made.
    fn fresh(&self) -> Result<Opened, OpenError> {
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        make_directory(parent).map_err(|source| self.refused("make the directory of", source))?;
        let unfinished = Unfinished::beside(self.path);
        unfinished.sweep();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished.path)
            .map_err(|source| self.refused("make", source))?;
        let made = self.made(self.locking(file)?)?;
        match unfinished.put_in_place(self.path) {
            Ok(()) => Ok(made),
            // Another process was first; its store is the store.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                drop(made);
                let file = OpenOptions::new().read(true).write(true).open(self.path);
                self.existing(file.map_err(|source| self.refused("open", source))?)
            }
            Err(source) => Err(self.refused("put in place", source)),
        }
    }

    fn made(&self, backend: Box<dyn StorageBackend>) -> Result<Opened, OpenError> {
        let key = self.key_file.read_or_make()?;
        let (db, gate) = self.engine(backend, true, false)?;
        let outcome = caught(|| {
            let tx = begin(&db)?;
            lay_out(&tx, &key)?;
            reach(Point::StoreMadeBefore);
            tx.commit()?;
            reach(Point::StoreMadeAfter);
            Ok(())
        });
        outcome.map_err(|fault| self.of(fault))?;
        Ok(Opened { db, gate, key, key_file: self.key_file.clone(), tally: Tally::default(), swept: 0 })
    }

    fn validated(&self, backend: Box<dyn StorageBackend>, length: u64) -> Result<Opened, OpenError> {
        let (db, gate) = self.engine(backend, false, length <= CHECK_WHOLE)?;
        let facts = caught(|| read_facts(&db.begin_read()?)).map_err(|fault| self.of(fault))?;
        if facts.schema > SCHEMA {
            let path = self.path.display().to_string();
            return Err(OpenError::Newer { path, found: facts.schema, known: SCHEMA });
        }
        caught(|| read_all_tables(&db.begin_read()?, &facts)).map_err(|fault| self.of(fault))?;
        let key = self.key_file.read_fitting(&facts.check)?;
        reach(Point::StoreOpenedBefore);
        gate.open().map_err(|source| self.refused("write", source))?;
        reach(Point::StoreOpenedAfter);
        if facts.schema < SCHEMA {
            caught(|| upgrade(&db)).map_err(|fault| self.of(fault))?;
        }
        let key_file = self.key_file.clone();
        Ok(Opened { db, gate, key, key_file, tally: facts.tally, swept: facts.swept })
    }

    fn engine(&self, backend: Box<dyn StorageBackend>, open: bool, check: bool) -> Result<(Database, Gate), OpenError> {
        let gate = Gate::new(backend, open).map_err(|source| self.refused("measure", source))?;
        let behind = gate.clone();
        let mut builder = Builder::new();
        builder.set_cache_size(self.options.cache).set_check_integrity_on_open(check);
        match caught(move || Ok(builder.create_with_backend(behind))).map_err(|fault| self.of(fault))? {
            Ok(db) => Ok((db, gate)),
            Err(DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch) => {
                Err(OpenError::InUse(self.path.display().to_string()))
            }
            Err(error) => Err(self.of(error.into())),
        }
    }

    fn locking(&self, file: File) -> Result<Box<dyn StorageBackend>, OpenError> {
        let backend = FileBackend::new(file).map_err(|error| self.of(error.into()))?;
        Ok(Box::new(backend))
    }

    fn of(&self, fault: Fault) -> OpenError {
        match fault {
            fault if fault.is_damage() => self.damaged(&fault.to_string()),
            Fault::Engine(redb::Error::Io(source)) => self.refused("read", source),
            other => self.refused("read", io::Error::other(other.to_string())),
        }
    }

    fn damaged(&self, why: &str) -> OpenError {
        OpenError::Damaged { path: self.path.display().to_string(), why: why.to_owned() }
    }

    fn refused(&self, what: &'static str, source: io::Error) -> OpenError {
        OpenError::System { what, path: self.path.display().to_string(), source }
    }
}

struct Facts {
    schema: u32,
    check: Vec<u8>,
    tally: Tally,
    swept: u64,
}

fn read_facts(tx: &ReadTransaction) -> Result<Facts, Fault> {
    let meta = tx.open_table(tables::META)?;
    let row = |name: &'static str| -> Result<Vec<u8>, Fault> {
        Ok(meta.get(name)?.ok_or(Fault::Row("the store's own description"))?.value().to_vec())
    };
    Ok(Facts {
        schema: tables::Fields(&row("schema")?).u32()?,
        check: row("check")?,
        tally: Tally::decode(&row("tally")?)?,
        swept: tables::Fields(&row("swept")?).u64()?,
    })
}

/// The tables of schema 1.
macro_rules! each_table {
    ($tx:expr) => {{
        let tx = $tx;
        tx.open_table(tables::META)?;
        tx.open_table(tables::FEED)?;
        tx.open_table(tables::IDS)?;
        tx.open_table(tables::CURSORS)?;
        tx.open_table(tables::ANCHORS)?;
        tx.open_table(tables::WORKSPACES)?;
        tx.open_table(tables::TOMBSTONES)?;
        tx.open_table(tables::SECRETS)?;
        tx.open_table(tables::CONSUMERS)?;
        tx.open_table(tables::MARKS)?;
        tx.open_table(tables::EXCEPTIONS)?;
        tx.open_table(tables::ACKED)?;
        tx.open_table(tables::DEAD)?;
        tx.open_table(tables::ACTIONS)?;
        tx.open_table(tables::ACTIONS_OF)?;
        tx.open_table(tables::OUTBOX)?;
        tx.open_table(tables::KEYS)?;
    }};
}

/// A transaction of its own, in a state that makes the next start quick.
fn begin(db: &Database) -> Result<WriteTransaction, Fault> {
    let mut tx = db.begin_write()?;
    tx.set_two_phase_commit(true);
    tx.set_quick_repair(true);
    Ok(tx)
}

/// From schema 1: the table of ways is made. Rows of feed and ids stay, from schema 2 too: what they lack says so by its
/// flag.
fn upgrade(db: &Database) -> Result<(), Fault> {
    let tx = begin(db)?;
    tx.open_table(tables::WAYS)?;
    tx.open_table(tables::META)?.insert("schema", &SCHEMA.to_le_bytes()[..])?;
    reach(Point::StoreUpgradedBefore);
    tx.commit()?;
    reach(Point::StoreUpgradedAfter);
    Ok(())
}

fn lay_out(tx: &WriteTransaction, key: &VaultKey) -> Result<(), Fault> {
    each_table!(tx);
    tx.open_table(tables::WAYS)?;
    let mut meta = tx.open_table(tables::META)?;
    meta.insert("schema", &SCHEMA.to_le_bytes()[..])?;
    meta.insert("check", &key.check()[..])?;
    meta.insert("tally", &Tally::default().encode()[..])?;
    meta.insert("swept", &0_u64.to_le_bytes()[..])?;
    Ok(())
}

fn read_all_tables(tx: &ReadTransaction, facts: &Facts) -> Result<(), Fault> {
    use redb::ReadableTable;
    each_table!(tx);
    if facts.schema >= 2 {
        tx.open_table(tables::WAYS)?;
    }
    let newest = tx.open_table(tables::FEED)?.last()?.map_or(0, |(seq, _)| seq.value());
    if newest > facts.tally.head { Err(Fault::Row("the place of the newest event")) } else { Ok(()) }
}
