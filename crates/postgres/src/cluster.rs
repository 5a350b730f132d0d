//! Private scratch clusters.

use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant, SystemTime};
use std::{env, iter};

use postgres::{Client, Config, NoTls};
use rustix::process::{Pid, Signal, kill_process};

use crate::binaries::{self, Install};
use crate::database::Database;
use crate::error::Error;
use crate::files::{self, User};
use crate::guard::{self, Guard, Limits};
use crate::place::{Place, identity};
use crate::platform::{OWNER, ROLES_SQL, SCHEMA_SQL, SUPERUSER};
use crate::sandbox::{self, Confinement, Room};
use crate::session::{Session, load_sql};
use crate::watchdog::{WATCHDOG, Watchdog, lock, log_end, plain};

/// Names the folder in which clusters are made, in place of memory where there is much of it and the
/// system's folder for temporary files otherwise.
pub const TMP_VARIABLE: &str = "SPECC_POSTGRES_TMP";

/// `off`: servers are not confined by the kernel, for a system on which they do not start otherwise.
pub const SANDBOX_VARIABLE: &str = "SPECC_POSTGRES_SANDBOX";

const UNTRUSTED: &str = include_str!("untrusted.sql");
const BARE: &str = include_str!("bare.sql");
const PLATFORM: &str = "platform";
/// What one process of a server may have, in bytes of memory and of one file. No table is in larger files than 1 GB.
const MEMORY: u64 = 3 << 30;
const FILE: u64 = 2 << 30;
/// A loaded machine may take long; a server that cannot start says so at once.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a server may take to stop before it is killed; it gives its own processes five seconds.
const LAST_PATIENCE: Duration = Duration::from_secs(10);
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
    /// Whether the kernel keeps the server from other files, from programs and from the network, where it can.
    pub confined: bool,
}

impl Default for Options {
    fn default() -> Self {
        let confined = env::var_os(SANDBOX_VARIABLE).is_none_or(|value| value != "off");
        Self { max_connections: 300, max_locks_per_transaction: 512, settings: Vec::new(), confined }
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

    /// What the kernel keeps the server from.
    pub fn confinement(&self) -> Confinement {
        lock(&self.0.server).as_ref().map(|server| server.confinement).unwrap_or_default()
    }

    /// Ends the server when it takes more than it may, as long as the returned value lives.
    pub fn limit(&self, limits: Limits) -> Guard {
        let inner = [(); 3].map(|()| Arc::clone(&self.0));
        let [files, statements, server] = inner;
        Guard::start(
            limits,
            move || guard::size(files.dir()),
            move || statements.running(),
            move || drop(server.end(Signal::QUIT, "ending the server")),
        )
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
    of_process(major, true)
}

/// Like [`try_shared`], without the platform: no database of it can be made, and of its roles there is the owner alone.
pub fn try_bare(major: u32) -> Result<&'static Cluster, &'static Error> {
    of_process(major, false)
}

fn of_process(major: u32, platform: bool) -> Result<&'static Cluster, &'static Error> {
    type Slot = OnceLock<Result<Cluster, Error>>;
    static ALL: Mutex<Option<HashMap<(u32, bool), &'static Slot>>> = Mutex::new(None);
    let key = (major, platform);
    let slot: &'static Slot =
        lock(&ALL).get_or_insert_default().entry(key).or_insert_with(|| Box::leak(Box::new(Slot::new())));
    let start = || {
        let cluster = Cluster::start(major)?;
        if !platform {
            cluster.0.admin(|admin| {
                admin.batch_execute(&format!("drop database {PLATFORM}"))?;
                Ok(admin.batch_execute(BARE)?)
            })?;
        }
        Ok(cluster)
    };
    slot.get_or_init(start).as_ref()
}

/// The server, shared by the cluster's value and its databases.
pub(crate) struct Inner {
    // Fields drop in this order: the session, the server, then the watchdog with the folder.
    admin: Mutex<Option<Client>>,
    names: AtomicU32,
    server: Mutex<Option<Server>>,
    watchdog: Watchdog,
    install: Install,
    options: Options,
    /// Whom the server runs as, where not as ourselves.
    user: Option<User>,
    dir: PathBuf,
    /// Keeps the data for the next cluster.
    saving: Option<JoinHandle<()>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        *lock(&self.admin) = None;
        let _ = self.end(Signal::QUIT, "stopping the server");
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
            server: Mutex::new(None),
            watchdog,
            install: place.install.clone(),
            options: options.clone(),
            user: place.user,
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
        inner.run(options)?;
        Ok(inner)
    }

    /// Makes the data that every cluster starts from: the roles, and a database to copy.
    fn prepare(&self, place: &Place) -> Result<(), Error> {
        self.watchdog.tell("init", "initdb", &self.dir)?;
        let auto = self.dir.join("data/postgresql.auto.conf");
        files::give(&auto, place.user)?;
        let small =
            Options { max_connections: 10, max_locks_per_transaction: 64, settings: Vec::new(), ..self.options };
        self.run(&small)?;
        self.admin(|admin| {
            admin.batch_execute(ROLES_SQL)?;
            admin.batch_execute(UNTRUSTED)?;
            Ok(admin.batch_execute(&format!("create database {PLATFORM} owner {OWNER}"))?)
        })?;
        let mut session = Session::connect(&self.config(PLATFORM, SUPERUSER))?;
        load_sql(&mut session, SCHEMA_SQL)?;
        drop(session);
        *lock(&self.admin) = None;
        self.end(Signal::INT, "stopping the server")
    }

    /// Starts the server on the data there is, and waits until it answers.
    fn run(&self, options: &Options) -> Result<(), Error> {
        let auto = self.dir.join("data/postgresql.auto.conf");
        fs::write(&auto, self.settings(options)).map_err(Error::io("write", &auto))?;
        // What the log says of an earlier run is of no interest.
        let _ = fs::rename(self.dir.join("log"), self.dir.join("log.before"));
        *lock(&self.server) = Some(self.spawn(options)?);
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
        self.end(Signal::QUIT, "stopping the server")?;
        *lock(&self.admin) = None;
        // What is left of the last run says "ready" still.
        let state = self.dir.join("data/postmaster.pid");
        if state.exists() {
            fs::remove_file(&state).map_err(Error::io("remove", &state))?;
        }
        self.run(&self.options)
    }

    /// Starts the server itself, confined.
    fn spawn(&self, options: &Options) -> Result<Server, Error> {
        let log = self.dir.join("log");
        let output = || fs::OpenOptions::new().create(true).append(true).open(&log).map_err(Error::io("write", &log));
        let program = self.install.program("postgres");
        let mut command = plain(&program);
        command.arg("-D").arg(self.dir.join("data"));
        command.stdin(File::open("/dev/null").map_err(Error::io("read", "/dev/null"))?);
        command.stdout(output()?).stderr(output()?);
        if let Some(User { uid, gid }) = self.user {
            command.uid(uid).gid(gid);
        }
        let unable = Error::io("run", &program);
        let (child, confinement) = if options.confined {
            let room = Room { own: self.dir.clone(), program: program.clone(), reads: self.install.reads() };
            sandbox::spawn(command, &room).map_err(unable)?
        } else {
            (command.spawn().map_err(unable)?, Confinement::default())
        };
        if options.confined {
            sandbox::limit(&child, MEMORY, FILE);
        }
        self.watchdog.tell(&format!("server {}", child.id()), "starting the server", &self.dir)?;
        Ok(Server { child, confinement })
    }

    /// Stops the server if it runs, and waits until it has gone.
    fn end(&self, signal: Signal, what: &'static str) -> Result<(), Error> {
        let Some(mut server) = lock(&self.server).take() else { return Ok(()) };
        let pid = i32::try_from(server.child.id()).ok().and_then(Pid::from_raw);
        let deadline = Instant::now() + LAST_PATIENCE;
        let ended = loop {
            match server.child.try_wait().map_err(Error::io("wait for", self.install.program("postgres")))? {
                Some(status) => break status,
                // A server that has only just been started still ignores the signal: repeat it.
                None => match pid {
                    Some(pid) if Instant::now() < deadline => drop(kill_process(pid, signal)),
                    _ => drop(server.child.kill()),
                },
            }
            sleep(Duration::from_millis(5));
        };
        self.watchdog.tell("gone", what, &self.dir)?;
        let well = ended.success() || signal != Signal::INT;
        if well { Ok(()) } else { Err(Error::Server { what, log: self.log_end() }) }
    }

    /// What sessions of others are doing, the first line of each.
    fn running(&self) -> Vec<String> {
        const BUSY: &str = "select split_part(ltrim(query, E' \\n\\t'), E'\\n', 1) from pg_catalog.pg_stat_activity \
            where state = 'active' and pid <> pg_catalog.pg_backend_pid() and backend_type = 'client backend'";
        let session = self.config("postgres", SUPERUSER).connect_timeout(Duration::from_secs(2)).connect(NoTls);
        let rows = session.and_then(|mut session| session.query(BUSY, &[]));
        rows.map(|rows| rows.iter().map(|row| row.get(0)).collect()).unwrap_or_default()
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
            ("temp_file_limit", "2GB"),
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

    pub(crate) fn user(&self) -> Option<User> {
        self.user
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

/// The server's first process.
struct Server {
    child: Child,
    confinement: Confinement,
}

/// Changes when anything that went into the data changes.
fn pristine_name(install: &Install) -> String {
    let mut hash = DefaultHasher::new();
    (identity(install), ROLES_SQL, SCHEMA_SQL, UNTRUSTED, WATCHDOG).hash(&mut hash);
    format!("{}-{:016x}", install.major(), hash.finish())
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
