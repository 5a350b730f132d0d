//! Databases with a spec in them, cheap to get: each test works on a copy of its own.

use crate::build::{Built, Layout, spec};
use crate::{VERSIONS, access};
use specc_postgres::{Database, Session, Template, load_sql, shared};
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

/// What a database starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rows {
    /// The rows of every environment, which come with the migrations.
    Base,
    /// Those and the rows to develop with.
    Dev,
}

/// A database of this version with the migrations of a spec under `specs/` and its seeds.
pub fn database(name: &str, major: u32, rows: Rows) -> Database {
    type Key = (String, u32, Rows);
    static ALL: Mutex<BTreeMap<Key, &'static OnceLock<Template>>> = Mutex::new(BTreeMap::new());
    let key = (name.to_owned(), major, rows);
    let slot = *ALL.lock().unwrap().entry(key).or_insert_with(|| Box::leak(Box::default()));
    let template = slot.get_or_init(|| spec(name).database(major, rows).into_template().expect("a template"));
    template.create().expect("a copy of the template")
}

/// Runs a test on a database of each version.
pub fn each_version(name: &str, rows: Rows, test: impl Fn(Database)) {
    VERSIONS.iter().for_each(|major| test(database(name, *major, rows)));
}

impl Built {
    /// A new database with what was built, and the probes of [`access`].
    pub fn database(&self, major: u32, rows: Rows) -> Database {
        let db = self.bare_database(major);
        let mut owner = db.connect().expect("a session");
        self.load(&mut owner, rows);
        owner.batch_execute(access::PROBES).expect("the probes");
        drop(owner);
        db
    }

    /// A new database for what was built, with nothing of it yet.
    pub fn bare_database(&self, major: u32) -> Database {
        let made = match self.layout() {
            Layout::Supabase => shared(major).platform_database(),
            Layout::Postgres => shared(major).empty_database(),
        };
        let db = made.expect("a database");
        if self.layout() == Layout::Supabase {
            let secrets = ["project_url", "service_role_key", "webhook_secret"];
            let create =
                secrets.map(|name| format!("select vault.create_secret('http://localhost/{name}', '{name}');"));
            db.load(&create.concat()).expect("the secrets that a project has");
        }
        db
    }

    /// Runs the migrations and the seeds, each file in one batch as the owner.
    pub fn load(&self, owner: &mut Session, rows: Rows) {
        for (name, text) in self.migrations() {
            run(owner, &name, &text);
        }
        self.load_seeds(owner, rows);
    }

    /// Runs the seed file, if it is wanted.
    pub fn load_seeds(&self, owner: &mut Session, rows: Rows) {
        if rows == Rows::Dev {
            run(owner, "the seed", &self.seed("dev").expect("rows to develop with"));
        }
    }

    /// Undoes the migrations.
    pub fn unload(&self, owner: &mut Session) {
        for (name, text) in self.downs() {
            run(owner, &format!("down {name}"), &text);
        }
    }
}

/// Runs a file, which has to pass without an error and without a word from the server: people stop reading where every
/// migration talks. That an extension is there already is the platform's word, and the way to ask for one says it.
pub fn run(session: &mut Session, name: &str, text: &str) {
    let mut notices = load_sql(session, text).unwrap_or_else(|error| panic!("{name}: {error}"));
    notices.retain(|n| !(n.severity == "NOTICE" && n.message.starts_with("extension ")));
    assert!(notices.is_empty(), "{name}: {notices:?}");
}

/// The one value that a query gives, as text.
pub fn one_text(session: &mut Session, query: &str) -> String {
    texts(session, query).join("\n")
}

/// The rows that a query gives, as text.
pub fn texts(session: &mut Session, query: &str) -> Vec<String> {
    let query = access::sql(query);
    let messages = session.simple_query(&query).unwrap_or_else(|error| panic!("{}\n{query}", said(&error)));
    let row = |row: &postgres::SimpleQueryRow| {
        (0..row.len()).map(|n| row.get(n).unwrap_or("null")).collect::<Vec<_>>().join(" ")
    };
    messages
        .iter()
        .filter_map(|message| match message {
            postgres::SimpleQueryMessage::Row(found) => Some(row(found)),
            _ => None,
        })
        .collect()
}

/// What the server said was wrong.
pub fn said(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!(
            "{} {}{}",
            db.code().code(),
            db.message(),
            db.where_().map(|w| format!("\n{w}")).unwrap_or_default()
        ),
        None => error.to_string(),
    }
}
