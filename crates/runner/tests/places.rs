//! Databases that are set up in their own way, and servers that are not what they seem.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use specc_postgres::{Cluster, Session, shared};
use specc_runner::{Error, Migrations, Options, State};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use support::{migrations, one, options};

fn plain() -> Options {
    Options { supabase: false, ..options() }
}

const LONG: &str =
    "create table a (id int primary key, one text, two text, three text, four text, five text, six text)";

#[test]
fn databases_in_other_encodings_keep_the_journal() {
    let db = shared(18).empty_database().unwrap();
    for encoding in ["LATIN1", "LATIN9", "SQL_ASCII"] {
        let name = format!("{}_{}", db.name(), encoding.to_lowercase());
        let mut admin = db.connect_superuser().unwrap();
        let make = format!(
            "create database {name} owner postgres encoding '{encoding}' lc_collate 'C' lc_ctype 'C' template template0"
        );
        admin.batch_execute(&make).unwrap();
        let mut config = db.config("postgres");
        config.dbname(&name);
        let all = migrations(&[("20260101000001_a", LONG)], &[]);
        let done = specc_runner::apply(&|| Session::connect(&config), &all, &plain(), &mut |_| Ok(()), &|_| {});
        let ran = done.unwrap_or_else(|error| panic!("{encoding}: {error}")).ran.len();
        let label = one(&mut Session::connect(&config).unwrap(), "select label from specc.steps");
        admin.batch_execute(&format!("drop database {name} with (force)")).unwrap();
        assert_eq!(ran, 1);
        assert!(label.starts_with("create table a (id int") && label.ends_with("...") && label.is_ascii(), "{label}");
    }
}

#[test]
fn the_search_path_of_the_database_does_not_count() {
    let db = shared(18).empty_database().unwrap();
    let mut above = db.connect_superuser().unwrap();
    let set = format!(
        "create schema other authorization postgres; create schema postgres authorization postgres; \
         alter database {} set search_path = other, \"$user\", public",
        db.name()
    );
    above.batch_execute(&set).unwrap();
    let up = "create table t (id int);\ncreate function f() returns bigint language sql begin atomic select count(*) from t; end;";
    let all = migrations(&[("20260101000001_a", up)], &[]);
    specc_runner::apply(&|| db.connect(), &all, &plain(), &mut |_| Ok(()), &|_| {}).unwrap();
    let mut session = db.connect().unwrap();
    assert_eq!(one(&mut session, "select relnamespace::regnamespace from pg_class where relname = 't'"), "public");
    assert_eq!(one(&mut session, "select pronamespace::regnamespace from pg_proc where proname = 'f'"), "public");
}

#[test]
fn a_standby_is_said() {
    let cluster = Cluster::start(18).unwrap();
    let db = cluster.empty_database().unwrap();
    let signal = cluster.dir().join("data/standby.signal");
    std::fs::write(&signal, "").unwrap();
    std::fs::set_permissions(&signal, std::fs::Permissions::from_mode(0o666)).unwrap();
    cluster.crash().unwrap();
    let all = migrations(&[("20260101000001_a", LONG)], &[]);
    let done = specc_runner::apply(&|| db.connect(), &all, &plain(), &mut |_| Ok(()), &|_| {});
    let error = done.unwrap_err();
    assert!(matches!(error, Error::Database(_)) && !error.is_finding(), "{error:?}");
    assert!(error.to_string().contains("this server is a hot standby"), "{error}");
}

/// A pooler in transaction mode with one session to the server: whoever begins a transaction has it until that ends.
fn pooler(folder: &Path, server: &Path) {
    let listener = UnixListener::bind(folder.join(".s.PGSQL.5432")).unwrap();
    let (server, pool) = (server.to_owned(), Arc::new(Mutex::new(None)));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (server, pool) = (server.clone(), Arc::clone(&pool));
            std::thread::spawn(move || {
                let _ = serve(client, &server, &pool);
            });
        }
    });
}

/// The session to the server, and what it said when it began.
type Pool = Mutex<Option<(UnixStream, Vec<u8>)>>;

fn message(from: &mut UnixStream, tagged: bool) -> std::io::Result<Vec<u8>> {
    let mut head = vec![0; if tagged { 5 } else { 4 }];
    from.read_exact(&mut head)?;
    let size = head[head.len() - 4..].iter().fold(0, |size, byte| size << 8 | usize::from(*byte));
    let mut body = vec![0; size - 4];
    from.read_exact(&mut body)?;
    head.append(&mut body);
    Ok(head)
}

/// All up to and with `ready for query`, whose last byte says whether a transaction is open.
fn answer(server: &mut UnixStream) -> std::io::Result<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let one = message(server, true)?;
        let ready = one[0] == b'Z';
        all.extend(one);
        if ready {
            return Ok(all);
        }
    }
}

fn serve(mut client: UnixStream, server: &Path, pool: &Pool) -> std::io::Result<()> {
    let start = message(&mut client, false)?;
    {
        let mut held = pool.lock().unwrap();
        if held.is_none() {
            let mut to = UnixStream::connect(server)?;
            to.write_all(&start)?;
            let said = answer(&mut to)?;
            *held = Some((to, said));
        }
        let (_, said) = held.as_ref().unwrap();
        client.write_all(said)?;
    }
    let mut first = Some(message(&mut client, true)?);
    loop {
        let mut held = pool.lock().unwrap();
        let (to, _) = held.as_mut().unwrap();
        loop {
            let one = match first.take() {
                Some(one) => one,
                None => message(&mut client, true)?,
            };
            if one[0] == b'X' {
                return Ok(());
            }
            to.write_all(&one)?;
            if [b'Q', b'S'].contains(&one[0]) {
                let said = answer(to)?;
                client.write_all(&said)?;
                if said.last() == Some(&b'I') {
                    break;
                }
            }
        }
        drop(held);
        first = Some(message(&mut client, true)?);
    }
}

#[test]
fn a_pooler_in_transaction_mode_is_refused() {
    let db = shared(18).empty_database().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut config = db.config("postgres");
    let hosts = config.get_hosts().to_vec();
    let [specc_postgres::postgres::config::Host::Unix(dir)] = hosts.as_slice() else { panic!("{hosts:?}") };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    pooler(folder.path(), &dir.join(format!(".s.PGSQL.{port}")));
    let user = config.get_user().unwrap().to_owned();
    config = specc_postgres::postgres::Config::new();
    config.host_path(folder.path()).user(&user).dbname(db.name());
    let all = migrations(&[("20260101000001_a", LONG)], &[]);
    let done = specc_runner::apply(&|| Session::connect(&config), &all, &plain(), &mut |_| Ok(()), &|_| {});
    let said = done.unwrap_err().to_string();
    assert!(said.contains("a pooler that changes sessions between transactions"), "{said}");
    let report = specc_runner::status(&mut db.connect().unwrap(), &all, false).unwrap();
    assert_eq!(report.migrations[0].state, State::Pending);
    // Nothing stays behind in the pool that would block the next one.
    specc_runner::apply(&|| db.connect(), &all, &plain(), &mut |_| Ok(()), &|_| {}).unwrap();
    let none = specc_runner::apply(&|| db.connect(), &Migrations::default(), &plain(), &mut |_| Ok(()), &|_| {});
    assert!(none.unwrap_err().to_string().contains("there is no file"));
}
