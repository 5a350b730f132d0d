//! What SQL that nobody read may try on a scratch server, and that nothing comes of it.
//!
//! Outside the server's folder stand a folder that everybody may write, a file that everybody may read, a library that leaves
//! a mark when it is loaded, and two sockets that somebody listens on. Each attempt is made in four ways:
//!
//! | by | on a server | |
//! |---|---|---|
//! | the owner and the filler, as `specc verify` does | confined by the kernel | nothing is touched |
//! | the owner and the filler | not confined | nothing is touched: the roles hold by themselves |
//! | the superuser | confined by the kernel | nothing is touched: the kernel holds by itself |
//! | the superuser | not confined | touched: this test can fail |

#![allow(clippy::disallowed_methods, clippy::print_stderr)]

mod attempts;
mod outside;

use attempts::{ATTEMPTS, Attempt, Way};
use outside::Outside;
use specc_postgres::platform::{FILLER, OWNER, SUPERUSER};
use specc_postgres::{Cluster, Database, Options, Session, binaries, postgres};
use std::cell::Cell;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

const CODE: &str = "machine code";
const VERSIONS: [u32; 2] = [15, 18];

fn cluster(major: u32, confined: bool) -> Cluster {
    let install = binaries::find(major).unwrap_or_else(|error| panic!("{error}"));
    Cluster::start_with(&install, &Options { confined, ..Options::default() }).unwrap_or_else(|error| panic!("{error}"))
}

/// A server, and what all attempts on it share: a database with the platform in it, and one without. Each attempt has a
/// schema of its own.
struct Server {
    cluster: Cluster,
    empty: Database,
    platform: Database,
    attempts: Cell<usize>,
}

impl Server {
    fn start(major: u32, confined: bool) -> Self {
        let cluster = cluster(major, confined);
        let made =
            |database: Result<Database, specc_postgres::Error>| database.unwrap_or_else(|error| panic!("{error}"));
        Self {
            empty: made(cluster.empty_database()),
            platform: made(cluster.platform_database()),
            attempts: Cell::new(0),
            cluster,
        }
    }

    /// A session of each of these roles, where the schema comes first. It is the first role's.
    fn sessions<const N: usize>(&self, attempt: &Attempt, roles: [&str; N]) -> [Session; N] {
        let database = if attempt.platform { &self.platform } else { &self.empty };
        let schema = format!("attempt_{}", self.attempts.replace(self.attempts.get() + 1));
        let mut sessions = roles.map(|role| Session::connect(&database.config(role)).expect("a session"));
        sessions[0].batch_execute(&format!("create schema {schema}")).expect("a schema");
        for session in &mut sessions {
            session.batch_execute(&format!("set search_path = {schema}, public")).expect("a schema");
        }
        sessions
    }
}

fn words(error: &postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string)
}

/// What the server says when the owner runs it, and the filler then makes and reads rows.
fn tried(server: &Server, attempt: &Attempt, outside: &Outside) -> String {
    const ROWS: [&str; 4] = [
        "set session_replication_role = replica",
        "insert into t (id) values (1)",
        "select pg_catalog.hashtextextended(row(t.*)::text, 0::bigint) from only t",
        "update t set id = id",
    ];
    let [mut owner, mut filler] = server.sessions(attempt, [OWNER, FILLER]);
    let mut said: Vec<String> = Vec::new();
    said.extend(owner.batch_execute(&outside.fill_in(&attempt.sql())).err().map(|error| words(&error)));
    said.extend(ROWS.iter().filter_map(|text| filler.batch_execute(text).err()).map(|error| words(&error)));
    said.join("\n")
}

fn nothing_is_touched(confined: bool) {
    let outside = Outside::new();
    let mut wrong = Vec::new();
    for major in VERSIONS {
        let server = Server::start(major, confined);
        let lacks = server.cluster.confinement().lacks();
        if let (true, Some(what)) = (confined, lacks) {
            eprintln!("this kernel does not confine: {what}; what only it holds is not tried");
        }
        for attempt in ATTEMPTS.iter().filter(|attempt| lacks.is_none() || !attempt.kernel_only) {
            let said = tried(&server, attempt, &outside);
            if let Some(what) = outside.touched() {
                wrong.push(format!("{major}: {} touched {what}", attempt.name));
            }
            if outside.is_secret(&said) {
                wrong.push(format!("{major}: {} read the file", attempt.name));
            }
            if !attempt.said.split('|').any(|part| said.contains(part)) {
                wrong.push(format!("{major}: {} said {said}", attempt.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_outside_is_touched() {
    assert!(ATTEMPTS.len() >= 40, "{}", ATTEMPTS.len());
    nothing_is_touched(true);
}

#[test]
fn without_the_kernel_the_roles_hold() {
    nothing_is_touched(false);
}

/// The same when neither this process nor the server is root's. For root, whose server is another user's, the other tests
/// show it.
#[test]
fn a_plain_user_touches_nothing_either() {
    const NOBODY: u32 = 65534;
    let place = tempfile::Builder::new().prefix("specc-user-").tempdir_in("/tmp").expect("a folder");
    if std::fs::metadata(place.path()).expect("a folder").uid() != 0 {
        // This process is the plain user.
        return;
    }
    let installs = VERSIONS.map(|major| cluster(major, true).install().clone());
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let program = place.path().join("hostile");
    std::fs::copy(std::env::current_exe().expect("a program"), &program).expect("a copy");
    let common =
        installs[0].bin().ancestors().find(|dir| installs[1].bin().starts_with(dir)).expect("a folder of both");
    let out = Command::new(&program)
        .args(["--exact", "nothing_outside_is_touched", "--nocapture"])
        .current_dir("/")
        .env("SPECC_POSTGRES_DIR", common)
        .env_remove("CARGO_TARGET_DIR")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && said.contains("1 passed"), "{said}");
}

/// A reference is checked, and a trigger is run, as whoever owns the table or writes to it.
#[test]
fn nobody_borrows_a_superusers_table() {
    const EXTENSIONS: &str =
        "create extension pg_cron; create extension pg_net; create extension if not exists supabase_vault";
    const BORROWED: &str = "select c.oid::regclass::text from pg_class c \
        join pg_roles superuser on superuser.oid = c.relowner and superuser.rolsuper, pg_roles r \
        where c.relkind in ('r', 'p', 'f') and not r.rolsuper and has_table_privilege(r.oid, c.oid, 'references, trigger')";
    for major in VERSIONS {
        let database = cluster(major, true).platform_database().expect("a database");
        database.connect().expect("a session").batch_execute(EXTENSIONS).expect("extensions");
        let rows = database.connect_superuser().expect("a session").query(BORROWED, &[]).expect("tables");
        let tables: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert!(tables.is_empty(), "{major}: {tables:?}");
    }
}

/// What the attempts touch when a superuser makes them.
fn as_superuser(confined: bool) -> Vec<&'static str> {
    let outside = Outside::new();
    let mut touched = Vec::new();
    let server = Server::start(18, confined);
    for attempt in ATTEMPTS.iter().filter(|attempt| attempt.way != Way::Rows) {
        let [mut session] = server.sessions(attempt, [SUPERUSER]);
        let said = session.batch_execute(&outside.fill_in(&attempt.sql())).err().map(|error| words(&error));
        if said.is_some_and(|said| outside.is_secret(&said)) || outside.touched().is_some() {
            touched.push(attempt.name);
        }
    }
    // Machine code: a library in the one folder that the server may write.
    let library = server.cluster.dir().join("evil.so");
    if std::fs::copy(outside.library(), &library).is_ok() {
        let [mut session] = server.sessions(&ATTEMPTS[0], [SUPERUSER]);
        let said = session.batch_execute(&format!("load '{}'", library.display())).map_err(|error| words(&error));
        let loaded = said.as_ref().is_err_and(|said| said.contains("missing magic block"));
        assert!(loaded, "it was not loaded, or has a namespace of users: {said:?}");
        if outside.touched().is_some() {
            touched.push(CODE);
        }
    }
    touched
}

#[test]
fn without_anything_it_is_touched() {
    let touched = as_superuser(false);
    let wanted = ATTEMPTS.iter().filter(|attempt| attempt.bites).map(|attempt| attempt.name).chain([CODE]);
    let missed: Vec<_> = wanted.filter(|name| !touched.contains(name)).collect();
    assert!(missed.is_empty(), "nothing held these, and they touched nothing: {missed:?}");
    assert!(touched.len() > 12, "{touched:?}");
}

#[test]
fn without_roles_the_kernel_holds() {
    if let Some(what) = cluster(18, true).confinement().lacks() {
        eprintln!("this kernel does not confine: {what}; not tried");
        return;
    }
    let touched = as_superuser(true);
    assert!(touched.is_empty(), "{touched:?}");
}
