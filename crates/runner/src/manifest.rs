//! What is in a backup, to see later whether it came back.

use crate::backup::Scope;
use crate::rights::Right;
use crate::{Error, Refused};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::Read;

/// The version that this code writes and reads.
const VERSION: u32 = 1;

/// What lies beside a dump.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of this form.
    pub specc: u32,
    /// The database's name.
    pub database: String,
    /// When, UTC, by the server's clock.
    pub taken: String,
    /// The server's version.
    pub server: String,
    /// The version of the `pg_dump` that wrote it.
    pub pg_dump: String,
    /// What is in it.
    pub scope: Scope,
    /// The stamp of the last migration that was applied.
    pub stamp: Option<String>,
    /// Only these tables, where not all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Schemas that are the platform's and not in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// The search path of the database, where functions are called while rows come back that may need one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_path: Option<String>,
    /// Whether columns hold other values than those that were there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub masked: bool,
    /// The tables, in the snapshot that was dumped.
    pub tables: Vec<TableState>,
    /// The sequences.
    #[serde(default)]
    pub sequences: Vec<SequenceState>,
    /// What others than their owners may do with objects, where the dump has the objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rights: Option<Vec<Right>>,
    /// The SHA-256 of the dump.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// A table's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableState {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// How many.
    pub rows: i64,
    /// A sum over all of them, in which their order is nothing; none where values are masked.
    pub fingerprint: Option<String>,
}

impl TableState {
    /// Whether these are the rows that there were, as far as that is known.
    pub(crate) fn is_in(&self, is: &Self) -> bool {
        self.rows == is.rows && (self.fingerprint.is_none() || self.fingerprint == is.fingerprint)
    }
}

/// Where a sequence stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceState {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it had given at least when the dump was taken, if anything; with the other sign where it counts down.
    pub last_value: Option<i64>,
}

impl Manifest {
    pub(crate) const VERSION: u32 = VERSION;

    /// Reads.
    ///
    /// # Errors
    /// What is no manifest, or one of a later specc.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let manifest: Self = serde_json::from_str(text)
            .map_err(|error| Refused::new(format!("this is no manifest of a backup: {error}")))?;
        if manifest.specc != VERSION {
            return Err(Refused::new(format!(
                "the manifest has version {}; this specc reads version {VERSION}",
                manifest.specc
            ))
            .into());
        }
        Ok(manifest)
    }

    /// Writes.
    pub fn to_json(&self) -> String {
        // Nothing in it can fail to be written.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Refuses a dump that is not the one that was written.
    ///
    /// # Errors
    /// A dump that was changed or cut short, or cannot be read.
    pub fn check(&self, dump: &mut dyn Read) -> Result<(), Error> {
        let (sha256, bytes) = digest(dump)?;
        if (&sha256, bytes) == (&self.sha256, self.bytes) {
            return Ok(());
        }
        Err(Refused::new(format!(
            "the dump is not the one that was written: {bytes} bytes with SHA-256 {sha256}, and should be {} bytes with {}",
            self.bytes, self.sha256
        ))
        .help("take another backup; nothing was changed")
        .into())
    }
}

/// SHA-256 and length.
pub(crate) fn digest(from: &mut dyn Read) -> Result<(String, u64), Error> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let n = from.read(&mut buffer).map_err(|error| Refused::new(format!("cannot read the dump: {error}")))?;
        if n == 0 {
            break;
        }
        bytes += n as u64;
        hash.update(&buffer[..n]);
    }
    let hex = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((hex, bytes))
}
