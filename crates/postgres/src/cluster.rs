//! Private scratch clusters.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant, SystemTime};
use std::{env, iter};

use postgres::{Client, Config, NoTls};

use crate::binaries::{self, Install};
use crate::database::Database;
use crate::error::Error;
use crate::files::{self, User};
use crate::platform::{OWNER, ROLES_SQL, SCHEMA_SQL, SUPERUSER};
use crate::session::{Session, load_sql};

/// Names the folder in which clusters are made, in place of memory where there is much of it and the
/// system's folder for temporary files otherwise.
pub const TMP_VARIABLE: &str = "SPECC_POSTGRES_TMP";

const WATCHDOG: &str = include_str!("watchdog.sh");
const PLATFORM: &str = "platform";
/// The path of a socket has about a hundred bytes; the folder and the file need some of them.
const LONGEST_FOLDER: usize = 60;
/// A loaded machine may take long; a server that cannot start says so at once.
const PATIENCE: Duration = Duration::from_secs(90);
const STALE: Duration = Duration::from_secs(24 * 3600);

/// How a cluster is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many sessions there can be at a time.
    pub max_connections: u32,
    /// Locks per session. All are in one pool, which every session may use up: the default makes
    /// 150,000 of them, and the server touches the memory for all at its start.
    pub max_locks_per_transaction: u32,
    /// More settings by name, for `postgresql.conf`.
    pub settings: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_connections: 300, max_locks_per_transaction: 512, settings: Vec::new() }
    }
}

/// A Postgres server of this process alone, gone with its folder when the value is dropped, and
/// when the process ends in any way. It has the platform's roles.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

impl Cluster {
    /// Starts a server of this major version.
    pub fn start(major: u32) -> Result<Self, Error> {
        Self::start_with(&binaries::find(major)?, &Options::default())
    }

    /// Starts a server of this install.
    pub fn start_with(install: &Install, options: &Options) -> Result<Self, Error> {
        Inner::start(install, options).map(|inner| Self(Arc::new(inner)))
    }

    /// What was started.
    pub fn install(&self) -> &Install {
        &self.0.install
    }

    /// The major version.
    pub fn major(&self) -> u32 {
        self.0.install.major()
    }

    /// The folder of the cluster, which has the socket in it.
    pub fn dir(&self) -> &Path {
        self.0.dir()
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.0.dir.join("log")).unwrap_or_default()
    }

    /// Whether `create extension` can succeed for this name, such as `vector`.
    pub fn has_extension(&self, name: &str) -> Result<bool, Error> {
        self.0.admin(|admin| {
            let row = admin.query_opt("select from pg_available_extensions where name = $1", &[&name])?;
            Ok(row.is_some())
        })
    }

    /// Stops the server as a crash does, all sessions with it, and starts it again on the same data.
    pub fn crash(&self) -> Result<(), Error> {
        self.0.crash()
    }

    /// A new database with the emulated platform in it.
    pub fn platform_database(&self) -> Result<Database, Error> {
        Database::create(Arc::clone(&self.0), PLATFORM)
    }

    /// A new database with nothing in it.
    pub fn empty_database(&self) -> Result<Database, Error> {
        Database::create(Arc::clone(&self.0), "template1")
    }
}

/// The cluster of this process for a major version, started by the first call. It goes when the
/// process ends.
///
/// # Panics
///
/// When the cluster cannot be had; the message says what to do. [`try_shared`] does not panic.
pub fn shared(major: u32) -> &'static Cluster {
    match try_shared(major) {
        Ok(cluster) => cluster,
        Err(error) => panic!("{error}"),
    }
}

/// Like [`shared`], and returns the error.
pub fn try_shared(major: u32) -> Result<&'static Cluster, &'static Error> {
    type Slot = OnceLock<Result<Cluster, Error>>;
    static ALL: Mutex<Option<HashMap<u32, &'static Slot>>> = Mutex::new(None);
    let slot: &'static Slot =
        lock(&ALL).get_or_insert_default().entry(major).or_insert_with(|| Box::leak(Box::new(Slot::new())));
    slot.get_or_init(|| Cluster::start(major)).as_ref()
}

/// The server, shared by the cluster's value and its databases.
pub(crate) struct Inner {
    // Fields drop in this order: the session, then the watchdog with the server and the folder.
    admin: Mutex<Option<Client>>,
    names: AtomicU32,
    watchdog: Watchdog,
    install: Install,
    options: Options,
    dir: PathBuf,
    /// Keeps the data for the next cluster.
    saving: Option<JoinHandle<()>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(saving) = self.saving.take() {
            let _ = saving.join();
        }
    }
}

/// Puts data where the next cluster finds it. Where that cannot be done, the next one makes its own.
fn save(data: &Path, pristine: &Path, place: &Place) {
    let _ = files::make_once(pristine, |to| files::copy_tree(data, to, place.own));
    let _ = fs::remove_dir_all(data);
    forget_stale(&place.cache);
}

impl Inner {
    fn start(install: &Install, options: &Options) -> Result<Self, Error> {
        let place = Place::find(install)?;
        let dir = tempfile::Builder::new()
            .prefix("specc-pg-")
            .tempdir_in(&place.tmp)
            .map_err(Error::io("create a folder in", &place.tmp))?;
        // From here on the watchdog owns the folder.
        files::give(dir.path(), place.user)?;
        let watchdog = Watchdog::spawn(&place.install, dir.path(), place.user)?;
        let mut inner = Self {
            admin: Mutex::new(None),
            names: AtomicU32::new(1),
            watchdog,
            install: place.install.clone(),
            options: Options::default(),
            dir: dir.keep(),
            saving: None,
        };
        let pristine = place.cache.join(pristine_name(&place.install));
        let data = inner.dir.join("data");
        if pristine.is_dir() {
            files::copy_tree(&pristine, &data, place.user)?;
        } else {
            inner.prepare(&place)?;
            // The server writes to its own copy at once; that of the next ones may take its time on a disk.
            let aside = inner.dir.join("pristine");
            files::copy_tree(&data, &aside, place.own)?;
            inner.saving = Some(thread::spawn(move || save(&aside, &pristine, &place)));
        }
        inner.options = options.clone();
        inner.run(options)?;
        Ok(inner)
    }

    /// Makes the data that every cluster starts from: the roles, and a database to copy.
    fn prepare(&self, place: &Place) -> Result<(), Error> {
        self.watchdog.tell("init", "initdb", &self.dir)?;
        let auto = self.dir.join("data/postgresql.auto.conf");
        files::give(&auto, place.user)?;
        self.run(&Options { max_connections: 10, max_locks_per_transaction: 64, settings: Vec::new() })?;
        self.admin(|admin| {
            admin.batch_execute(ROLES_SQL)?;
            Ok(admin.batch_execute(&format!("create database {PLATFORM} owner {OWNER}"))?)
        })?;
        let mut session = Session::connect(&self.config(PLATFORM, SUPERUSER))?;
        load_sql(&mut session, SCHEMA_SQL)?;
        drop(session);
        *lock(&self.admin) = None;
        self.watchdog.tell("stop", "stopping the server", &self.dir)
    }

    /// Starts the server on the data there is, and waits until it answers.
    fn run(&self, options: &Options) -> Result<(), Error> {
        let auto = self.dir.join("data/postgresql.auto.conf");
        fs::write(&auto, self.settings(options)).map_err(Error::io("write", &auto))?;
        // What the log says of an earlier run is of no interest.
        let _ = fs::rename(self.dir.join("log"), self.dir.join("log.before"));
        self.watchdog.tell("start", "starting the server", &self.dir)?;
        let deadline = Instant::now() + PATIENCE;
        // The eighth line of this file tells the state.
        let state = self.dir.join("data/postmaster.pid");
        while !fs::read_to_string(&state)
            .is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready"))
        {
            // A fatal error is the server's own, but for those that came too early and were sent away.
            let log = self.log_end();
            let fatal = |line: &str| line.contains("FATAL:") && !line.contains("the database system is");
            if log.lines().any(fatal) || Instant::now() > deadline {
                return Err(Error::Server { what: "starting the server", log });
            }
            sleep(Duration::from_millis(3));
        }
        *lock(&self.admin) = Some(self.config("postgres", SUPERUSER).connect(NoTls)?);
        Ok(())
    }

    fn crash(&self) -> Result<(), Error> {
        self.watchdog.tell("crash", "stopping the server", &self.dir)?;
        *lock(&self.admin) = None;
        // What is left of the last run says "ready" still.
        let state = self.dir.join("data/postmaster.pid");
        if state.exists() {
            fs::remove_file(&state).map_err(Error::io("remove", &state))?;
        }
        self.run(&self.options)
    }

    fn settings(&self, options: &Options) -> String {
        let fixed = [
            ("listen_addresses", ""),
            ("fsync", "off"),
            ("synchronous_commit", "off"),
            ("full_page_writes", "off"),
            // Nothing happens behind a test's back, and no worker holds a database open.
            ("autovacuum", "off"),
            ("jit", "off"),
            ("wal_level", "logical"),
            ("max_wal_size", "256MB"),
            ("checkpoint_timeout", "1h"),
            ("shared_buffers", "64MB"),
            // Goes with the folder even when the server is killed.
            ("dynamic_shared_memory_type", "mmap"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("lc_messages", "C"),
        ];
        let sizes = [
            ("max_connections", options.max_connections),
            ("max_locks_per_transaction", options.max_locks_per_transaction),
        ];
        iter::once(("unix_socket_directories".to_owned(), self.dir.to_string_lossy().into_owned()))
            .chain(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())))
            .chain(sizes.map(|(name, value)| (name.to_owned(), value.to_string())))
            .chain(options.settings.iter().cloned())
            .map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''")))
            .collect()
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn config(&self, database: &str, role: &str) -> Config {
        let mut config = Config::new();
        config.host_path(&self.dir).dbname(database).user(role).application_name("specc");
        // The socket's name has it.
        let port = self.options.settings.iter().rev().find(|(name, _)| name == "port");
        if let Some(port) = port.and_then(|(_, value)| value.parse().ok()) {
            config.port(port);
        }
        // A role's own timeouts are for requests of the API, not for tests on a loaded machine.
        config.options("-c statement_timeout=0 -c lock_timeout=0");
        config
    }

    pub(crate) fn next_name(&self) -> String {
        format!("specc_{}", self.names.fetch_add(1, Ordering::Relaxed))
    }

    /// Does something in the one session that the cluster keeps for itself.
    pub(crate) fn admin<T>(&self, act: impl FnOnce(&mut Client) -> Result<T, Error>) -> Result<T, Error> {
        let mut slot = lock(&self.admin);
        if slot.as_ref().is_none_or(Client::is_closed) {
            *slot = Some(self.config("postgres", SUPERUSER).connect(NoTls)?);
        }
        match slot.as_mut() {
            Some(client) => act(client),
            None => unreachable!("the session was just made"),
        }
    }

    pub(crate) fn end_sessions(&self, database: &str) -> Result<(), Error> {
        self.admin(|admin| {
            // Told to end, they take a moment: wait for each.
            admin.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1",
                &[&database],
            )?;
            Ok(())
        })
    }

    fn log_end(&self) -> String {
        log_end(&self.dir)
    }
}

/// The process that runs the server and outlives us just long enough to clear it away.
struct Watchdog {
    pipes: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
    child: Mutex<Child>,
}

impl Watchdog {
    fn spawn(install: &Install, dir: &Path, user: Option<User>) -> Result<Self, Error> {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(WATCHDOG).arg("specc-postgres").arg(install.bin()).arg(dir);
        command.current_dir("/").env_clear();
        for name in ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        // A group of its own: what ends our group with a signal must leave it to clear away.
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(User { uid, gid }) = user {
            command.uid(uid).gid(gid);
        }
        let mut child = command.spawn().map_err(Error::io("run", "/bin/sh"))?;
        let pipes = child.stdin.take().zip(child.stdout.take().map(BufReader::new));
        Ok(Self { pipes: Mutex::new(pipes), child: Mutex::new(child) })
    }

    /// Has the watchdog do something and waits for its answer.
    fn tell(&self, verb: &str, what: &'static str, dir: &Path) -> Result<(), Error> {
        let mut answer = String::new();
        let told = match lock(&self.pipes).as_mut() {
            Some((input, output)) => writeln!(input, "{verb}").and_then(|()| output.read_line(&mut answer)),
            None => Ok(0),
        };
        match told {
            Ok(_) if answer.trim() == "0" => Ok(()),
            _ => Err(Error::Server { what, log: log_end(dir) }),
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        *lock(&self.pipes) = None;
        let _ = lock(&self.child).wait();
    }
}

/// Where a cluster can be made here, and by whom.
struct Place {
    tmp: PathBuf,
    cache: PathBuf,
    install: Install,
    /// Whom to run the server as, where not as ourselves.
    user: Option<User>,
    /// Ourselves, where the server runs as somebody else.
    own: Option<User>,
}

impl Place {
    fn find(install: &Install) -> Result<Self, Error> {
        let own = ourselves()?;
        let root = own.uid == 0;
        let user = if root { Some(User::unprivileged()?) } else { None };
        let fits = |dir: &PathBuf| {
            dir.is_dir() && dir.as_os_str().len() <= LONGEST_FOLDER && (!root || files::open_to_all(dir))
        };
        let disk = env::var_os(TMP_VARIABLE)
            .map(PathBuf::from)
            .into_iter()
            .chain([env::temp_dir(), PathBuf::from("/tmp")])
            .find(fits)
            .ok_or(Error::NoFolder)?;
        // A cluster is thousands of small files: memory takes them several times as fast.
        let tmp = match env::var_os(TMP_VARIABLE) {
            None => Some(PathBuf::from("/dev/shm")).filter(|dir| fits(dir) && files::is_roomy(dir)),
            Some(_) => None,
        }
        .unwrap_or_else(|| disk.clone());
        // Beside the private copies if they are there, for they go together.
        let cache = binaries::private_dirs()
            .into_iter()
            .map(|dir| dir.join("data"))
            .chain([disk.join(format!("specc-postgres-{}", own.uid))])
            .find_map(|dir| files::own_folder(dir, own.uid))
            .ok_or(Error::NoFolder)?;
        let install = if root && !files::open_to_all(install.bin()) {
            reachable_copy(install, &disk, own)?
        } else {
            install.clone()
        };
        Ok(Self { tmp, cache, install, user, own: root.then_some(own) })
    }
}

/// Programs in a folder that the server's user cannot enter are of no use to it: copies them.
fn reachable_copy(install: &Install, disk: &Path, own: User) -> Result<Install, Error> {
    let folder = files::own_folder(disk.join(format!("specc-postgres-{}", own.uid)), own.uid).ok_or(Error::NoFolder)?;
    let mut hash = DefaultHasher::new();
    identity(install).hash(&mut hash);
    let to = folder.join(format!("programs-{}-{:016x}", install.major(), hash.finish()));
    files::make_once(&to, |to| files::copy_tree(install.root(), to, Some(own)))?;
    Ok(install.moved_to(&to))
}

fn ourselves() -> Result<User, Error> {
    // A new file belongs to who made it.
    let tmp = env::temp_dir();
    let file = tempfile::NamedTempFile::new_in(&tmp).map_err(Error::io("create a file in", &tmp))?;
    let meta = file.as_file().metadata().map_err(Error::io("read", file.path()))?;
    Ok(User { uid: meta.uid(), gid: meta.gid() })
}

/// Changes when anything that went into the data changes.
fn pristine_name(install: &Install) -> String {
    let mut hash = DefaultHasher::new();
    (identity(install), ROLES_SQL, SCHEMA_SQL, WATCHDOG).hash(&mut hash);
    format!("{}-{:016x}", install.major(), hash.finish())
}

fn identity(install: &Install) -> impl Hash {
    let meta = fs::metadata(install.program("postgres"));
    let stamp = fs::read_to_string(install.root().join(".stamp")).ok();
    (
        install.root().to_path_buf(),
        install.version().to_owned(),
        stamp,
        meta.as_ref().map(MetadataExt::mtime).ok(),
        meta.as_ref().map(MetadataExt::size).ok(),
    )
}

/// Removes data that was made long ago: each change of the platform leaves some.
fn forget_stale(cache: &Path) {
    let now = SystemTime::now();
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|meta| meta.modified()).map(|made| now.duration_since(made));
        if matches!(age, Ok(Ok(age)) if age > STALE) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn log_end(dir: &Path) -> String {
    let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
