//! A spec on a real Postgres: up, what is asked, down, all in one transaction that is rolled back.

use crate::injection::spec::Spec;
use crate::injection::{STRUCTURES, generated};
use specc_catalog::{Catalog, Entry, Hints};
use specc_diag::{RenderOptions, Sources, has_errors, render};
use specc_migrate::{Consent, Layout, MigrationInput, migration_files};
use specc_model::{Options, Target};
use specc_postgres::postgres::SimpleQueryMessage;
use specc_postgres::{Database, Session, load_sql, shared};
use specc_tests::access::PROBES;
use std::collections::BTreeSet;
use std::collections::btree_map::{self, BTreeMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What came of a spec.
pub enum Checked {
    Right,
    /// It was refused with these codes.
    Refused(String),
}

/// Everything that is there, a line for each: kind, then name.
const STATE: &str = r"
select x from (
  select 'schema ' || nspname as x from pg_namespace
  union all select 'relation ' || relkind::text || ' ' || relnamespace::regnamespace || '.' || relname from pg_class where relnamespace not in (99, 11)
  union all select 'type ' || typtype::text || ' ' || typnamespace::regnamespace || '.' || typname from pg_type where typnamespace not in (99, 11)
  union all select 'label ' || enumlabel from pg_enum
  union all select 'function ' || prokind::text || ' ' || pronamespace::regnamespace || '.' || proname || ' ' || md5(prosrc) from pg_proc where pronamespace <> 11
  union all select 'constraint ' || contype::text || ' ' || conname from pg_constraint
  union all select 'policy ' || polname from pg_policy
  union all select 'trigger ' || tgname from pg_trigger where not tgisinternal
  union all select 'comment ' || classoid::regclass || ' ' || md5(description) from pg_description where objoid > 16383
  union all select 'column ' || attnum || ' ' || attname from pg_attribute where attrelid > 16383 and attnum > 0
  union all select 'publication ' || prrelid::regclass from pg_publication_rel
  union all select 'default ' || defaclobjtype::text from pg_default_acl
  union all select 'owner ' || count(*) from pg_class where relnamespace not in (99, 11) and relowner <> 'postgres'::regrole and false
  union all select 'role ' || rolname from pg_roles
  union all select 'canary ' || md5(string_agg(k::text, '' order by k.id)) from public.canary k
  EXTRA
) y";

const PLATFORM: &str = "
  union all select 'bucket ' || id from storage.buckets
  union all select 'job ' || jobname from cron.job
  union all select 'request ' || url from net.http_request_queue
  union all select 'secret ' || name from vault.secrets";

const CANARY: &str = "
create table public.canary (id int primary key, c text);
insert into public.canary values (1, 'sings'), (2, 'lives');
create function probe.value(statement text) returns text language plpgsql as $probe$
declare outcome text; begin execute statement into outcome; return outcome; end $probe$;";

/// The extensions of the platform that a spec can ask for.
const SERVICES: &str = "create extension if not exists pg_cron; create extension if not exists pg_net;";

/// After so many specs the catalog is bloated by what was rolled back.
const MOST: usize = 60;

struct Server {
    _db: Database,
    session: Session,
    before: BTreeMap<String, usize>,
    uses: usize,
}

/// A database for each version and target, and what a structure makes.
#[derive(Default)]
pub struct Servers {
    open: BTreeMap<(u32, bool), Server>,
    kinds: BTreeMap<(u32, u64), BTreeMap<String, usize>>,
}

fn target_name(target: Target) -> bool {
    target == Target::Supabase
}

impl Servers {
    /// Checks the spec of this seed.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&mut self, seed: u64) -> Result<Checked, String> {
        let major = if (seed / STRUCTURES).is_multiple_of(4) { 18 } else { 15 };
        let wanted = self.kinds(seed % STRUCTURES, major)?;
        let (spec, target) = generated(seed, false);
        let shown = |error: String| format!("{error}\n--- on {major}\n{}", spec.text);
        match self.run(&spec, target, major).map_err(shown)? {
            Err(codes) => Ok(Checked::Refused(codes)),
            Ok(kinds) if kinds == wanted => Ok(Checked::Right),
            Ok(kinds) => {
                let all: BTreeSet<&String> = kinds.keys().chain(wanted.keys()).collect();
                let differ: Vec<String> = all
                    .into_iter()
                    .filter(|kind| kinds.get(*kind) != wanted.get(*kind))
                    .map(|kind| format!("{kind}: {:?}, not {:?}", kinds.get(kind), wanted.get(kind)))
                    .collect();
                Err(shown(format!("there are others: {}", differ.join("; "))))
            }
        }
    }

    /// Checks the tame spec of a structure.
    ///
    /// # Errors
    /// What is wrong.
    pub fn tame(&mut self, number: u64) -> Result<(), String> {
        self.kinds(number, 15).map(|_| ())
    }

    /// How many objects of each kind a structure makes.
    fn kinds(&mut self, number: u64, major: u32) -> Result<BTreeMap<String, usize>, String> {
        if let Some(known) = self.kinds.get(&(major, number)) {
            return Ok(known.clone());
        }
        let (spec, target) = generated(number, true);
        let kinds = self
            .run(&spec, target, major)
            .and_then(|kinds| kinds.map_err(|codes| format!("refused: {codes}")))
            .map_err(|error| format!("with tame names: {error}\n--- on {major}\n{}", spec.text))?;
        self.kinds.insert((major, number), kinds.clone());
        Ok(kinds)
    }

    /// What a spec makes, by kind; or the codes with which it is refused.
    fn run(
        &mut self,
        spec: &Spec,
        target: Target,
        major: u32,
    ) -> Result<Result<BTreeMap<String, usize>, String>, String> {
        let built = catch_unwind(AssertUnwindSafe(|| build(spec, target)));
        let (ups, downs) = match built.map_err(|_| "the build panicked".to_owned())? {
            Ok(files) => files,
            // `SHOW=1` shows what is refused, and why.
            Err(codes) if spec.is_tame() || std::env::var_os("SHOW").is_some() => return Err(codes),
            Err(codes) => return Ok(Err(codes.lines().next().unwrap_or_default().to_owned())),
        };
        let at = (major, target_name(target));
        if self.open.get(&at).is_some_and(|server| server.uses >= MOST) {
            self.open.remove(&at);
        }
        if let btree_map::Entry::Vacant(place) = self.open.entry(at) {
            place.insert(Server::start(target, major)?);
        }
        let server = self.open.get_mut(&at).expect("it was just put there");
        server.uses += 1;
        let outcome = server.there_and_back(spec, target, &ups, &downs);
        let ended = server.session.batch_execute("rollback");
        if ended.is_err() {
            self.open.remove(&at);
        }
        outcome.map(Ok)
    }
}

impl Server {
    fn start(target: Target, major: u32) -> Result<Self, String> {
        let cluster = shared(major);
        let db = match target {
            Target::Supabase => cluster.platform_database(),
            Target::Postgres | Target::Citus => cluster.empty_database(),
        }
        .map_err(|error| error.to_string())?;
        let mut session = db.connect().map_err(|error| error.to_string())?;
        let services = if target == Target::Supabase { SERVICES } else { "" };
        load_sql(&mut session, &format!("{PROBES}{CANARY}{services}")).map_err(|error| error.to_string())?;
        let before = state(&mut session, target)?;
        Ok(Self { _db: db, session, before, uses: 0 })
    }

    /// What a spec makes, by kind.
    fn there_and_back(
        &mut self,
        spec: &Spec,
        target: Target,
        ups: &[String],
        downs: &[String],
    ) -> Result<BTreeMap<String, usize>, String> {
        let session = &mut self.session;
        session.batch_execute("begin").map_err(|error| error.to_string())?;
        for up in ups {
            let said = load_sql(session, up).map_err(|error| format!("up: {error}"))?;
            if let Some(said) = said.iter().find(|said| !said.message.contains(" already exists, skipping")) {
                return Err(format!("up said {}", said.message));
            }
        }
        let made = state(session, target)?;
        let mut kinds = BTreeMap::new();
        let mut gone = Vec::new();
        for (line, times) in &made {
            let more = times - self.before.get(line).copied().unwrap_or(0).min(*times);
            let kind: Vec<&str> = line.splitn(3, ' ').collect();
            let kind = if matches!(kind[0], "relation" | "type" | "function" | "constraint") {
                format!("{} {}", kind[0], kind[1])
            } else {
                kind[0].to_owned()
            };
            *kinds.entry(kind).or_default() += more;
        }
        for (line, times) in &self.before {
            if made.get(line).copied().unwrap_or(0) < *times {
                gone.push(line.clone());
            }
        }
        if !gone.is_empty() {
            return Err(format!("touched: {}", gone.join(", ")));
        }
        session.batch_execute("savepoint loaded").map_err(|error| error.to_string())?;
        load_sql(session, &spec.setup).map_err(|error| format!("in use: {error}\n{}", spec.setup))?;
        let wrong = ask(session, spec)?;
        if !wrong.is_empty() {
            return Err(wrong.join("\n"));
        }
        session.batch_execute("rollback to savepoint loaded").map_err(|error| error.to_string())?;
        for down in downs {
            load_sql(session, down).map_err(|error| format!("down: {error}"))?;
        }
        let after = state(session, target)?;
        let stays = |line: &&String| !line.starts_with("role ");
        let left: Vec<&String> = after
            .iter()
            .filter(|(line, n)| self.before.get(*line) != Some(n))
            .map(|(line, _)| line)
            .filter(stays)
            .collect();
        let lost: Vec<&String> = self.before.keys().filter(|line| !after.contains_key(*line)).collect();
        if left.is_empty() && lost.is_empty() {
            Ok(kinds)
        } else {
            Err(format!("down leaves {left:?} and takes {lost:?}"))
        }
    }
}

/// The questions whose answer is another.
fn ask(session: &mut Session, spec: &Spec) -> Result<Vec<String>, String> {
    let all: Vec<String> = spec.facts.iter().map(|fact| format!("({})::text", fact.query)).collect();
    let one = |session: &mut Session, query: &str| -> Result<Vec<Option<String>>, String> {
        let found = session.simple_query(query).map_err(|error| specc_tests::stage::said(&error))?;
        let row = found.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let row = row.ok_or("no row")?;
        Ok((0..row.len()).map(|n| row.get(n).map(str::to_owned)).collect())
    };
    let answers = match one(session, &format!("select {}", all.join(",\n"))) {
        Ok(answers) => answers,
        Err(error) => return Ok(vec![format!("{error}\n{}", all.join(",\n"))]),
    };
    let wrong = spec.facts.iter().zip(answers).filter(|(fact, answer)| answer.as_ref() != Some(&fact.wanted));
    Ok(wrong
        .map(|(fact, answer)| format!("{}: {answer:?}, not {:?}\n{}", fact.what, fact.wanted, fact.query))
        .collect())
}

/// Everything that is there, and how often.
fn state(session: &mut Session, target: Target) -> Result<BTreeMap<String, usize>, String> {
    let query = STATE.replace("EXTRA", if target == Target::Supabase { PLATFORM } else { "" });
    let found = session.simple_query(&query).map_err(|error| specc_tests::stage::said(&error))?;
    let mut all = BTreeMap::new();
    for message in &found {
        if let SimpleQueryMessage::Row(row) = message {
            *all.entry(row.get(0).unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    Ok(all)
}

/// The scripts up and down, in the order in which they run; or the codes of what is wrong, with messages.
fn build(spec: &Spec, target: Target) -> Result<(Vec<String>, Vec<String>), String> {
    let text = spec.text.as_str();
    let (default_schema, helper_schema) = (spec.default_schema.raw.as_str(), spec.helper_schema.raw.as_str());
    let (default_schema, helper_schema) = (default_schema.into(), helper_schema.into());
    let options = Options { target, default_schema, helper_schema, ..Options::default() };
    if options.wrong_schema().is_some() {
        return Err("E0901".into());
    }
    let mut sources = Sources::new();
    let file = sources.add("case.dbspec", text.to_owned());
    let (tree, mut found) = specc_syntax::parse(file, text);
    let (model, more) = specc_model::analyze(vec![tree], &mut sources, options);
    found.extend(more);
    let mut catalog = Catalog::new();
    if !has_errors(&found) {
        let (lowered, more) = specc_lower::lower(&model);
        catalog = lowered;
        found.extend(more);
    }
    if has_errors(&found) {
        let errors = found.iter().filter(|d| d.severity() == specc_diag::Severity::Error);
        let mut codes: Vec<String> = errors.clone().map(|d| d.code.name().to_owned()).collect();
        codes.sort();
        codes.dedup();
        let messages: Vec<String> = errors.map(|d| render(d, &sources, RenderOptions::default())).collect();
        return Err(format!("{}\n{}", codes.join(" "), messages.join("\n")));
    }
    for seed in specc_seed::generate(&model, "base") {
        catalog.insert(Entry::new(seed));
    }
    let layout = if target == Target::Supabase { Layout::supabase() } else { Layout::postgres() };
    let hints = Hints::default();
    let files = migration_files(&MigrationInput {
        project: "a 'hostile' project \" $$ */ -- \\",
        name: "init",
        catalog: &catalog,
        previous: None,
        stamp: "20260101000000".parse().expect("a stamp"),
        layout: &layout,
        recorded: &[],
        hints: &hints,
        access: None,
        consent: Consent::default(),
    })
    .map_err(|error| format!("MIGRATION\n{error}"))?;
    let of = |down: bool| {
        let is = move |path: &str| {
            path.ends_with(".sql") && !path.ends_with(".abandon.sql") && path.ends_with(".down.sql") == down
        };
        files.iter().filter(move |file| is(&file.path)).map(|file| file.contents.clone())
    };
    let mut downs: Vec<String> = of(true).collect();
    downs.reverse();
    Ok((of(false).collect(), downs))
}
