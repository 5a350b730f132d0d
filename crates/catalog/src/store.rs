//! The stored catalog: JSON, one object a line, sorted by id, so that a change shows as a change in review.

use crate::{
    Bounds, Catalog, Column, Constraint, Dependency, Entry, Enum, Function, Grant, Index, Object, PartitionBy, Policy,
    Rls, Seed, Table, TableName, Trigger, View,
};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use std::fmt;

/// The version that this code writes and reads.
const VERSION: u32 = 1;

/// A stored catalog that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError(pub String);

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}

/// Objects that are written as one piece, and pieces that are written side by side.
const PIECE: usize = 512;
const PIECES: usize = 16;

/// Writes.
pub fn to_json(catalog: &Catalog) -> String {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(b"{\"specc\":1,\"default_grantees\":");
    write(&mut out, &catalog.default_grantees);
    out.extend_from_slice(b",\"objects\":[");
    let chunk = |(n, places): (usize, &[u32])| {
        let mut out = Vec::with_capacity(places.len() * 384);
        for (m, index) in places.iter().enumerate() {
            out.extend_from_slice(if (n, m) == (0, 0) { b"\n" } else { b",\n" });
            if let Some((_, entry)) = catalog.at(*index as usize) {
                write(&mut out, entry);
            }
        }
        out
    };
    let places = sorted(catalog);
    out.reserve_exact(places.len() * 288);
    // A few pieces at a time, so that the text is never in memory twice.
    for (n, places) in places.chunks(PIECES * PIECE).enumerate() {
        let pieces = places.par_chunks(PIECE).enumerate();
        let pieces: Vec<_> = pieces.map(|(m, places)| chunk((n * PIECES + m, places))).collect();
        pieces.iter().for_each(|piece| out.extend_from_slice(piece));
    }
    out.extend_from_slice(b"\n]}\n");
    // serde_json writes UTF-8 only.
    String::from_utf8(out).unwrap_or_default()
}

/// The places of all objects in the order of their ids. The ids are copied side by side first: they are compared often,
/// mostly by the first bytes of their names.
fn sorted(catalog: &Catalog) -> Vec<u32> {
    let mut bytes = Vec::with_capacity(catalog.len() * 40);
    let mut keys = Vec::with_capacity(catalog.len());
    let mut schemas: Vec<&str> = catalog.iter().map(|(id, _)| id.schema.as_str()).collect();
    schemas.sort_unstable();
    schemas.dedup();
    for (index, (id, _)) in catalog.iter().enumerate() {
        let start = bytes.len();
        for part in [&id.name, &id.part] {
            bytes.extend_from_slice(part.as_bytes());
            bytes.push(0);
        }
        let mut first = [0; 8];
        let length = bytes.len().min(start + 8) - start;
        first[..length].copy_from_slice(&bytes[start..start + length]);
        let schema = schemas.partition_point(|schema| *schema < id.schema.as_str());
        keys.push(((id.kind, schema, u64::from_be_bytes(first)), start..bytes.len(), index as u32));
    }
    keys.sort_unstable_by(|a, b| {
        let texts = || bytes[a.1.clone()].cmp(&bytes[b.1.clone()]);
        a.0.cmp(&b.0).then_with(texts).then_with(|| a.2.cmp(&b.2))
    });
    keys.into_iter().map(|(_, _, index)| index).collect()
}

fn write(out: &mut Vec<u8>, value: &impl serde::Serialize) {
    // Writing to memory does not fail, and no type here has a key that is not a string.
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok());
}

#[derive(Deserialize)]
struct Stored {
    specc: u32,
    #[serde(default)]
    default_grantees: Vec<SmolStr>,
    objects: Vec<Entry>,
}

#[derive(Deserialize)]
struct Versioned {
    specc: u32,
}

/// A table as it is stored: read in one go, where a flattened field would be read twice.
#[derive(Deserialize)]
pub(crate) struct StoredTable {
    schema: SmolStr,
    name: SmolStr,
    columns: Vec<Column>,
    #[serde(default)]
    unlogged: bool,
    #[serde(default)]
    partition_by: Option<PartitionBy>,
    #[serde(default)]
    partition_of: Option<(TableName, Bounds)>,
    #[serde(default)]
    inherits: Vec<TableName>,
    rls: Rls,
    #[serde(default)]
    options: Vec<(SmolStr, SmolStr)>,
    #[serde(default)]
    replica_identity: Option<SmolStr>,
}

impl From<StoredTable> for Table {
    fn from(o: StoredTable) -> Self {
        Self {
            table: TableName { schema: o.schema, name: o.name },
            columns: o.columns,
            unlogged: o.unlogged,
            partition_by: o.partition_by,
            partition_of: o.partition_of,
            inherits: o.inherits,
            rls: o.rls,
            options: o.options,
            replica_identity: o.replica_identity,
        }
    }
}

/// A view as it is stored.
#[derive(Deserialize)]
pub(crate) struct StoredView {
    schema: SmolStr,
    name: SmolStr,
    #[serde(default)]
    columns: Vec<SmolStr>,
    query: SmolStr,
    #[serde(default)]
    materialized: bool,
    #[serde(default)]
    security_invoker: bool,
    #[serde(default)]
    security_barrier: bool,
    #[serde(default)]
    check_option: Option<SmolStr>,
    #[serde(default)]
    no_data: bool,
}

impl From<StoredView> for View {
    fn from(o: StoredView) -> Self {
        Self {
            view: TableName { schema: o.schema, name: o.name },
            columns: o.columns,
            query: o.query,
            materialized: o.materialized,
            security_invoker: o.security_invoker,
            security_barrier: o.security_barrier,
            check_option: o.check_option,
            no_data: o.no_data,
        }
    }
}

/// Reads.
///
/// # Errors
/// Where the text is not a stored catalog of a known version.
pub fn from_json(text: &str) -> Result<Catalog, StoreError> {
    let stored = match by_line(text) {
        Some(stored) => stored,
        // Somebody laid it out anew, or it is broken: the slower way says where.
        None => serde_json::from_str(text).map_err(|error| unreadable(text, &error))?,
    };
    if stored.specc != VERSION {
        return Err(other_version(stored.specc));
    }
    let mut catalog = Catalog { default_grantees: stored.default_grantees, ..Catalog::default() };
    catalog.reserve(stored.objects.len());
    for entry in stored.objects {
        if let Some(before) = catalog.insert(entry) {
            return Err(StoreError(format!("the stored catalog has {} twice", before.object.id())));
        }
    }
    Ok(catalog)
}

/// What is left of a stored catalog and of `catalog` without the objects that are written alike: of a large spec with a
/// small change that is little, and nothing else of the stored one has to be read. None where `text` is not as
/// [`to_json`] writes it: [`from_json`] says what it is.
pub fn apart(text: &str, catalog: &Catalog) -> Option<(Catalog, Catalog)> {
    let (head, lines) = head_and_lines(text)?;
    let mut places = FxHashMap::with_capacity_and_hasher(lines.len(), Default::default());
    for (place, line) in lines.iter().enumerate() {
        // An object that stands there twice is no catalog.
        if places.insert(*line, place).is_some() {
            return None;
        }
    }
    let entries: Vec<&Entry> = catalog.iter().map(|(_, entry)| entry).collect();
    // Of each new object, where it stands among the lines.
    let found: Vec<Option<usize>> = entries
        .par_iter()
        .with_min_len(512)
        .map_init(Vec::new, |line, entry| {
            line.clear();
            write(line, entry);
            std::str::from_utf8(line).ok().and_then(|line| places.get(line).copied())
        })
        .collect();
    let mut kept = vec![false; lines.len()];
    found.iter().flatten().for_each(|&place| kept[place] = true);
    let mut old = Catalog { default_grantees: head.default_grantees, ..Catalog::default() };
    for (line, _) in lines.iter().zip(kept).filter(|(_, kept)| !kept) {
        if old.insert(entry(line)?).is_some() {
            return None;
        }
    }
    let mut new = Catalog { default_grantees: catalog.default_grantees.clone(), ..Catalog::default() };
    for (entry, _) in entries.into_iter().zip(found).filter(|(_, found)| found.is_none()) {
        new.insert(entry.clone());
    }
    Some((old, new))
}

#[derive(Deserialize)]
struct Head {
    specc: u32,
    #[serde(default)]
    default_grantees: Vec<SmolStr>,
}

/// As [`to_json`] writes it, an object a line.
fn head_and_lines(text: &str) -> Option<(Head, Vec<&str>)> {
    let (head, lines) = text.strip_suffix("\n]}\n")?.split_once(",\"objects\":[\n")?;
    let head: Head = serde_json::from_str(&format!("{head}}}")).ok()?;
    let lines = lines.split('\n').map(|line| line.strip_suffix(',').unwrap_or(line)).collect();
    (head.specc == VERSION).then_some((head, lines))
}

/// Lines are read side by side.
fn by_line(text: &str) -> Option<Stored> {
    let (head, lines) = head_and_lines(text)?;
    let objects: Option<Vec<Entry>> = lines.par_iter().with_min_len(512).map(|line| entry(line)).collect();
    Some(Stored { specc: head.specc, default_grantees: head.default_grantees, objects: objects? })
}

/// One object. Its kind stands first, so it is read as what it is at once.
fn entry(line: &str) -> Option<Entry> {
    #[derive(Deserialize)]
    struct Of<T> {
        object: T,
        #[serde(default)]
        comment: Option<SmolStr>,
        #[serde(default)]
        depends: Vec<Dependency>,
        #[serde(default)]
        area: SmolStr,
    }
    fn read<T: for<'t> Deserialize<'t> + Into<Object>>(line: &str) -> Option<Entry> {
        let Of::<T> { object, comment, depends, area } = serde_json::from_str(line).ok()?;
        Some(Entry { object: object.into(), comment, depends, area })
    }
    let (kind, _) = line.strip_prefix("{\"object\":{\"kind\":\"")?.split_once('"')?;
    match kind {
        "table" => read::<Table>(line),
        "constraint" => read::<Constraint>(line),
        "index" => read::<Index>(line),
        "policy" => read::<Policy>(line),
        "grant" => read::<Grant>(line),
        "function" => read::<Function>(line),
        "trigger" => read::<Trigger>(line),
        "enum" => read::<Enum>(line),
        "view" => read::<View>(line),
        "seed" => read::<Seed>(line),
        _ => serde_json::from_str(line).ok(),
    }
}

fn other_version(version: u32) -> StoreError {
    StoreError(format!(
        "the stored catalog has version {version}; this specc reads version {VERSION}: use the specc that wrote it"
    ))
}

fn unreadable(text: &str, error: &serde_json::Error) -> StoreError {
    match serde_json::from_str::<Versioned>(text) {
        Ok(stored) if stored.specc != VERSION => other_version(stored.specc),
        _ => StoreError(format!("this is not a stored catalog: {error}")),
    }
}

/// The SHA-256 of `bytes` in hexadecimal.
pub fn checksum(bytes: impl AsRef<[u8]>) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(bytes.as_ref()) {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}
