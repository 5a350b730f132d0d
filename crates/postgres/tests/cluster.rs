//! A cluster starts on each version, and leaves nothing behind however its process ends.

#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use specc_postgres::{Cluster, Error, binaries, load_sql, shared};

const VERSIONS: [u32; 2] = [15, 18];
const HOLD: &str = "SPECC_TEST_HOLD_CLUSTER";

#[test]
fn starts_on_each_version() {
    for major in VERSIONS {
        let began = Instant::now();
        let cluster = Cluster::start(major).unwrap();
        println!("{}: first start {:?}", cluster.install().version(), began.elapsed());
        drop(cluster);

        let began = Instant::now();
        let cluster = Cluster::start(major).unwrap();
        let started = began.elapsed();
        let began = Instant::now();
        let db = cluster.platform_database().unwrap();
        let mut owner = db.connect().unwrap();
        println!("{major}: warm start {started:?}, a database {:?}", began.elapsed());
        let version: String = owner.query_one("show server_version_num", &[]).unwrap().get(0);
        assert_eq!(version.parse::<u32>().unwrap() / 10_000, major);
        let addresses: String = owner.query_one("show listen_addresses", &[]).unwrap().get(0);
        assert_eq!(addresses, "");
    }
}

#[test]
fn dropping_the_last_value_removes_everything() {
    let cluster = Cluster::start(18).unwrap();
    let dir = cluster.dir().to_path_buf();
    let db = cluster.empty_database().unwrap();
    drop(cluster);
    db.connect().unwrap().batch_execute("select 1").unwrap();
    drop(db);
    assert!(!dir.exists());
    assert_eq!(processes_of(&dir), Vec::<String>::new());
}

/// Not a test by itself: what the next one starts as another process, and kills.
#[test]
fn hold_a_cluster_when_told() {
    let Ok(major) = std::env::var(HOLD) else {
        return;
    };
    let cluster = shared(major.parse().unwrap());
    let _session = cluster.platform_database().unwrap().connect().unwrap();
    println!("held: {}", cluster.dir().display());
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn killing_the_process_removes_everything() {
    for major in VERSIONS {
        let mut holder = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "hold_a_cluster_when_told", "--nocapture"])
            .env(HOLD, major.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let dir = BufReader::new(holder.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("held: ").map(|(_, dir)| PathBuf::from(dir)))
            .expect("the child holds a cluster");
        assert!(dir.join("data").is_dir());
        assert!(!processes_of(&dir).is_empty());

        holder.kill().unwrap(); // SIGKILL
        holder.wait().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while (dir.exists() || !processes_of(&dir).is_empty()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!dir.exists());
        assert_eq!(processes_of(&dir), Vec::<String>::new());
    }
}

#[test]
fn databases_are_apart_and_dropped() {
    let cluster = shared(18);
    let one = cluster.empty_database().unwrap();
    let two = cluster.empty_database().unwrap();
    one.load("create table t (id int); insert into t values (1)").unwrap();
    assert_eq!(two.load("select * from t").unwrap_err().sqlstate(), Some("42P01"));

    let template = one.into_template().unwrap();
    let copy = template.create().unwrap();
    let rows = copy.connect().unwrap().query("select id from t", &[]).unwrap();
    assert_eq!(rows.len(), 1);
    let again = copy.duplicate().unwrap();
    assert_ne!(again.name(), copy.name());

    let name = two.name().to_owned();
    drop(two);
    let count: i64 = again
        .connect()
        .unwrap()
        .query_one("select count(*) from pg_database where datname = $1", &[&name])
        .unwrap()
        .get(0);
    assert_eq!(count, 0);
}

#[test]
fn two_hundred_sessions_at_once() {
    let db = shared(18).empty_database().unwrap();
    let mut sessions: Vec<_> = (0..200).map(|_| db.connect().unwrap()).collect();
    for session in &mut sessions {
        session.batch_execute("select 1").unwrap();
    }
}

#[test]
fn loading_collects_notices_and_tells_the_line() {
    let db = shared(15).empty_database().unwrap();
    let mut owner = db.connect().unwrap();
    let notices = load_sql(&mut owner, "drop table if exists t;\ndo $$ begin raise warning 'look'; end $$;").unwrap();
    assert_eq!(notices.len(), 2);
    assert!(!notices[0].is_warning() && notices[1].is_warning());
    assert_eq!(notices[1].message, "look");
    assert!(load_sql(&mut owner, "select 1").unwrap().is_empty());

    let error = load_sql(&mut owner, "create table t (id int);\nselect é, nothing from t;").unwrap_err();
    assert_eq!(error.sqlstate(), Some("42703"));
    assert!(error.to_string().contains("line 2: select"), "{error}");
    // One batch: the table went with the error.
    assert_eq!(load_sql(&mut owner, "table t").unwrap_err().sqlstate(), Some("42P01"));
}

#[test]
fn many_tables_load_in_one_transaction() {
    let db = shared(18).empty_database().unwrap();
    let text: String = (0..3000).map(|n| format!("create table t{n} (id int primary key);\n")).collect();
    assert_eq!(db.load(&text).unwrap(), []);
}

#[test]
fn a_missing_version_says_what_to_do() {
    let error = binaries::find(7).unwrap_err();
    assert!(matches!(error, Error::NotInstalled { major: 7, .. }));
    let text = error.to_string();
    assert!(text.contains(".ci/setup") && text.contains("SPECC_POSTGRES_DIR"), "{text}");
    assert!(text.contains("15."), "what was found is told: {text}");
}

#[test]
fn a_server_that_cannot_start_shows_its_log() {
    let install = binaries::find(18).unwrap();
    let options = specc_postgres::Options {
        settings: vec![("no_such_setting".to_owned(), "1".to_owned())],
        ..Default::default()
    };
    let error = Cluster::start_with(&install, &options).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[test]
fn another_program_connects_by_url() {
    let db = shared(15).platform_database().unwrap();
    let psql = shared(15).install().program("psql");
    let output = Command::new(psql)
        .arg(db.url("postgres"))
        .args(["-XAtc", "select current_user, current_database()"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.trim(), format!("postgres|{}", db.name()));
}

/// The command lines of all processes that name this folder.
fn processes_of(dir: &Path) -> Vec<String> {
    let dir = dir.to_string_lossy();
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&*dir))
        .collect()
}
