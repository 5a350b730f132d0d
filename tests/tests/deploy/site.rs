//! A project in a repository of git, and a database that it is deployed to.

use specc_postgres::{Database, Session, shared};
use specc_tests::management::{Api, TOKEN};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A small shop.
pub const SPEC: &str = "entity products {
  id:    uuid = gen_random_uuid()  key
  name:  text
  price: numeric
}

policy on products {
  everyone_reads: allow select
}

seed dev {
  products first { name: 'first', price: 1 }
}
";

/// What a run of the program ends with.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The hash that it shows.
    pub fn hash(&self) -> String {
        let line = self.out.lines().find_map(|line| line.strip_prefix("hash "));
        line.unwrap_or_else(|| panic!("no hash: {self:?}")).to_owned()
    }

    /// Asserts how it ended, and what it said.
    #[track_caller]
    pub fn ends(self, code: i32, says: &[&str]) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        let all = format!("{}\n{}", self.out, self.err);
        for text in says {
            assert!(all.contains(text), "`{text}` is not in\n{all}");
        }
        self
    }
}

/// The program: `cargo test --workspace` builds it.
fn program() -> PathBuf {
    let own = std::env::current_exe().expect("a path");
    let program = own.parent().and_then(Path::parent).expect("a folder").join("specc");
    assert!(program.is_file(), "{} is not there: cargo build -p specc", program.display());
    program
}

/// A project and its database.
pub struct Site {
    pub dir: TempDir,
    pub db: Database,
    pub api: Option<Api>,
    settings: String,
}

impl Site {
    /// A project that is built, in a repository that ignores what it must, and an empty database of the platform.
    pub fn new(spec: &str) -> Self {
        let site = Self::bare(18);
        site.write("shop.dbspec", spec);
        site.build("20260101000000");
        site
    }

    /// The same with an API that makes projects.
    pub fn with_api(spec: &str) -> Self {
        let mut site = Self::bare(15);
        let more = site.api();
        site.settings(&more);
        site.write("shop.dbspec", spec);
        site.build("20260101000000");
        site
    }

    /// An empty folder.
    pub fn empty(major: u32) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let db = shared(major).platform_database().expect("a database");
        Self { dir, db, api: None, settings: String::new() }
    }

    /// A folder with settings alone, in a repository.
    pub fn bare(major: u32) -> Self {
        let site = Self::empty(major);
        site.git(&["init", "-q"]);
        site.write(".gitignore", ".env.staging\n.env.production\n");
        site.settings("");
        site
    }

    /// Writes `specc.toml`, with more for the environment `staging`.
    pub fn settings(&self, more: &str) {
        let text = format!(
            "name = \"shop\"\n\n[environments.staging]\ndatabase_url = \"STAGING_URL\"\nenv_file = \".env.staging\"\n{more}\n\
             [environments.production]\ndatabase_url = \"PRODUCTION_URL\"\n{}",
            self.settings
        );
        self.write("specc.toml", &text);
    }

    #[track_caller]
    pub fn git(&self, args: &[&str]) {
        let made = Command::new("git").args(args).current_dir(self.path("")).status().expect("git");
        assert!(made.success());
    }

    /// An API whose projects have this site's database.
    pub fn api(&mut self) -> String {
        let host = self.db.url("postgres");
        let host = host.split('@').nth(1).and_then(|rest| rest.split('/').next()).expect("a host").replace("%2F", "/");
        self.api = Some(Api::start(&host));
        format!("organization = \"acme\"\nregion = \"eu-central-1\"\ndatabase = \"{}\"\n", self.db.name())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    #[track_caller]
    pub fn build(&self, stamp: &str) {
        self.run(&["build", "--stamp", stamp]).ends(0, &[]);
    }

    /// The address of the database, with a password that nobody may see.
    pub fn url(&self) -> String {
        self.db.url("postgres").replace("postgres@", "postgres:hush@")
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).current_dir(self.path("")).env("STAGING_URL", self.url()).env("NO_COLOR", "1");
        command.env_remove("SPECC_PROJECT").env_remove("DATABASE_URL").env_remove("SUPABASE_ACCESS_TOKEN");
        if let Some(api) = &self.api {
            command.env("SUPABASE_API_URL", &api.url).env("SUPABASE_ACCESS_TOKEN", TOKEN);
        }
        command.stdin(Stdio::null());
        command
    }

    /// Runs the program to its end. Nothing secret is in what it says.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Ran {
        ran(self.command(args))
    }

    /// Says what would be done, and gives its hash.
    #[track_caller]
    pub fn hash(&self, more: &[&str]) -> String {
        self.run(&[&["deploy", "staging", "--plan"], more].concat()).ends(0, &[]).hash()
    }

    /// Deploys all the way.
    #[track_caller]
    pub fn deploy(&self, more: &[&str]) -> Ran {
        let hash = self.hash(more);
        self.run(&[&["deploy", "staging", "--approve", &hash, "--yes-until", "testing"], more].concat())
    }

    /// Takes the deployment back all the way.
    #[track_caller]
    pub fn roll_back(&self, more: &[&str]) -> Ran {
        let hash = self.run(&[&["rollback", "staging"], more].concat()).ends(1, &[]).hash();
        self.run(&[&["rollback", "staging", "--approve", &hash], more].concat())
    }

    pub fn session(&self) -> Session {
        self.db.connect().expect("a session")
    }

    pub fn sql(&self, sql: &str) {
        self.session().batch_execute(sql).unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    }

    /// All that the project has in the database: the catalog, and the rows of each table.
    pub fn contents(&self) -> String {
        contents(&self.db)
    }
}

/// What exists in a database.
pub fn catalog(db: &Database) -> String {
    let mut session = db.connect().expect("a session");
    let found = specc_introspect::introspect(&mut session, &specc_introspect::Options::default()).expect("a catalog");
    specc_catalog::to_json(&found.catalog)
}

/// All that is in a database: the catalog, and a sum over the rows of each table.
pub fn contents(db: &Database) -> String {
    let mut all = catalog(db);
    let mut session = db.connect().expect("a session");
    let tables = session.query(
        "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'public' order by 1",
        &[],
    );
    for row in tables.expect("tables") {
        let table: String = row.get(0);
        let sum = format!("select count(*), md5(string_agg(t::text, '|' order by t::text)) from {table} t");
        let row = session.query_one(&sum, &[]).expect("a sum");
        all += &format!("\n{table} {} {:?}", row.get::<_, i64>(0), row.get::<_, Option<String>>(1));
    }
    all
}

#[track_caller]
pub fn ran(mut command: Command) -> Ran {
    let out = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let ran = Ran { code: out.status.code().unwrap_or(-1), out: text(out.stdout), err: text(out.stderr) };
    for secret in ["hush", "sbp_", "eyJ."] {
        assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{secret}: {ran:?}");
    }
    ran
}

/// A run that is killed as soon as it says a line that begins so, or at the end of the time.
pub fn killed_at(mut command: Command, line: &str) -> bool {
    let mut child: Child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    let err = child.stderr.take().expect("a pipe");
    let mut seen = false;
    let mut lines = BufReader::new(err);
    let began = Instant::now();
    let mut text = String::new();
    while began.elapsed() < Duration::from_secs(30) {
        text.clear();
        if lines.read_line(&mut text).unwrap_or(0) == 0 {
            break;
        }
        if text.starts_with(line) {
            seen = true;
            break;
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    let _ = lines.read_to_string(&mut text);
    seen
}

/// A run beside which something is done when it says a line that begins so.
pub fn acted_at(mut command: Command, line: &str, act: impl FnOnce()) -> Ran {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe"));
    let (mut err, mut act) = (String::new(), Some(act));
    loop {
        let at = err.len();
        if lines.read_line(&mut err).expect("UTF-8") == 0 {
            break;
        }
        if err[at..].starts_with(line)
            && let Some(act) = act.take()
        {
            act();
        }
    }
    let code = child.wait().expect("it ends").code().unwrap_or(-1);
    Ran { code, out: String::new(), err }
}
