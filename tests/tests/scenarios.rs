//! Scenarios on a real server: those that say what is so come out as written, and each kind of expectation fails where it says
//! what is not so.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use specc_diag::Sources;
use specc_model::{Model, Options, Target};
use specc_postgres::Session;
use specc_postgres::postgres::SimpleQueryMessage;
use specc_scenario::{Outcome, Refused, Reply, Server, play, scripts};
use specc_tests::{Layout, Rows, VERSIONS, database, project_for, spec_files, specs, texts};
use std::fmt::Write;

/// The model of some files, each with its name, and their texts.
fn of_texts(files: &[(String, String)], target: Target) -> (Model, Sources) {
    let mut sources = Sources::new();
    sources.add("specc.toml", "");
    let trees = files.iter().map(|(name, text)| {
        let id = sources.add(name.as_str(), text.as_str());
        specc_syntax::parse(id, text).0
    });
    let trees: Vec<_> = trees.collect();
    let (model, found) = specc_model::analyze(trees, &mut sources, Options { target, ..Options::default() });
    assert!(!specc_diag::has_errors(&found), "{found:?}");
    (model, sources)
}

/// A session that runs what a script says.
struct Here<'s>(&'s mut Session);

impl Server for Here<'_> {
    fn run(&mut self, statement: &str) -> Result<Reply, Refused> {
        let answers = self.0.simple_query(statement).map_err(|error| match error.as_db_error() {
            Some(db) => Refused { code: db.code().code().to_owned(), message: db.message().to_owned() },
            None => Refused { code: String::new(), message: error.to_string() },
        })?;
        let mut reply = Reply::default();
        for answer in answers {
            match answer {
                SimpleQueryMessage::Row(row) => {
                    reply.rows.push((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect());
                }
                SimpleQueryMessage::CommandComplete(touched) => reply.touched = touched,
                _ => {}
            }
        }
        Ok(reply)
    }
}

/// What came of each step, as `who: step: what came instead`; what came out as written says so.
fn told(session: &mut Session, env: &str, model: &Model, sources: &Sources) -> Vec<String> {
    let all = scripts(model).into_iter().filter(|script| script.env == env).flat_map(|script| {
        let outcomes = play(&script, &mut Here(session)).expect("the server answers");
        let line = |outcome: &Outcome| {
            let step = sources.text(outcome.span).split_whitespace().collect::<Vec<_>>().join(" ");
            let wrong = outcome.wrong.as_deref().unwrap_or("as written");
            format!("{}: {step}: {wrong}", outcome.who.as_deref().unwrap_or("given"))
        };
        outcomes.iter().map(line).collect::<Vec<_>>()
    });
    all.collect()
}

const SPEC: &str = r#"
viewer -> profiles

role auditor

entity profiles {
  id:    uuid = gen_random_uuid()  key
  name:  text

  policy { everyone: allow select  to authenticated }
}

entity teams {
  id:   uuid = gen_random_uuid()  key
  name: text

  policy { members_read: allow select  to authenticated  when exists members (user_id = viewer) }
}

entity members {
  team_id -> teams     inverse members on delete cascade immutable
  user_id -> profiles  on delete cascade immutable

  key (team_id, user_id)
  index (user_id, team_id)

  policy { colleagues_read: allow select  to authenticated  when exists team.members (user_id = viewer) }
}

enum state { draft, out, gone }

entity notes {
  id:        int identity  key
  team_id    -> teams      on delete cascade immutable
  author_id  -> profiles
  title:     text unique
  state:     state = 'draft'

  check titled: title <> ''

  workflow state {
    draft -> out
    out   -> gone
  }

  policy {
    read:    allow select                           to authenticated  when exists team.members (user_id = viewer)
    audit:   allow select (title)                   to auditor        when state = 'out'
    strong:  allow select                           to authenticated  when claims.aal = 'aal2'
    add:     allow insert (team_id, author_id, title)  to authenticated  when author_id = viewer and exists team.members (user_id = viewer)
    change:  allow update (title, state)            to authenticated  when author_id = viewer
    remove:  allow delete                           to authenticated  when author_id = viewer
  }
}

entity pins {
  note_id -> notes key on delete cascade deferrable initially deferred
  weight: int = 1
  policy { all: allow all to authenticated when true }
}

function shout(p_note: int, p_word: text = 'x') -> void security definer language plpgsql to authenticated as $$
begin
  if not exists (select from public.notes n where n.id = p_note and n.author_id = auth.uid()) then
    raise exception 'not yours';
  end if;
  update public.notes set title = p_word where id = p_note;
end
$$

seed base {
  profiles ana { name: 'Ana' }
  profiles ben { name: 'Ben "B" O''Neil' }
  teams red { name: 'Red' }
  members red_ana { team_id: red, user_id: ana }
}

seed dev {
  teams blue { name: 'Blue' }
  members blue_ben { team_id: blue, user_id: ben }
  notes first  { team_id: red, author_id: ana, title: 'First' }
  notes second { team_id: red, author_id: ana, title: 'Second' }
  notes third  { team_id: blue, author_id: ben, title: 'Third' }
}
"#;

/// Each table of the default schema with its rows.
fn counts(session: &mut Session) -> Vec<String> {
    const TABLES: &str = "select oid::regclass::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1";
    let tables = texts(session, TABLES);
    let count = |table: String| {
        let rows: i64 = session.query_one(&format!("select count(*) from {table}"), &[]).unwrap().get(0);
        format!("{table}: {rows}")
    };
    tables.into_iter().map(count).collect()
}

/// Scenarios all of whose steps come out as written.
fn right(spec: &str, target: Target, scenarios: &str) {
    let wrong = check_lines(spec, target, scenarios);
    let wrong: Vec<&String> = wrong.iter().filter(|line| !line.ends_with(": as written")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What came of every step of every scenario, the same on each version.
fn check_lines(spec: &str, target: Target, scenarios: &str) -> Vec<String> {
    let text = format!("{spec}{scenarios}");
    let (model, sources) = of_texts(&[("case.dbspec".to_owned(), text.clone())], target);
    let layout = if target == Target::Supabase { Layout::Supabase } else { Layout::Postgres };
    let built = project_for(layout, &text);
    let mut all: Option<Vec<String>> = None;
    for major in VERSIONS {
        let mut lines = Vec::new();
        for (env, rows) in [("base", Rows::Base), ("dev", Rows::Dev)] {
            if model.scenarios.iter().all(|scenario| scenario.env != env) {
                continue;
            }
            let db = built.database(major, rows);
            let mut session = db.connect().expect("a session");
            let before = counts(&mut session);
            lines.extend(told(&mut session, env, &model, &sources));
            assert_eq!(before, counts(&mut session), "a scenario leaves nothing behind");
        }
        assert!(!lines.is_empty());
        if let Some(first) = &all {
            assert_eq!(*first, lines, "Postgres {major}");
        }
        all = Some(lines);
    }
    all.unwrap_or_default()
}

#[test]
fn what_is_so_comes_out_as_written() {
    right(
        SPEC,
        Target::Supabase,
        r#"
scenario 'each team sees its notes' {
  as ana {
    notes -> only first, second
    notes -> 2 rows
    teams -> only red
    members -> 1 row
    profiles -> all
    pins -> none
    pins -> all
  }
  as ben { notes -> only third }
  as anon { notes -> none  deny delete first }
  as service_role { notes -> all }
  as role auditor { notes -> none }
  as ben claims '{"aal": "aal2"}' { notes -> all }
}

scenario 'what is done stays for later steps, and what is refused does not' {
  given {
    notes draft { team_id: red, author_id: ben, title: 'Draft' }
    members both { team_id: red, user_id: ben }
  }
  as ben {
    members -> only both, blue_ben, red_ana
    notes -> only first, second, third, draft
    deny insert notes { team_id: blue, author_id: ana, title: 'Hers' }
    allow insert notes { team_id: blue, author_id: ben, title: 'Fourth' }
    notes -> 5 rows
    deny update draft { state: 'gone' } with '23514'
    allow update draft { state: 'out', title: 'It''s out' }
    deny update notes first { title: 'Mine' }
    deny insert notes { team_id: blue, author_id: ben, title: 'Third' } with '23505'
    deny insert notes { team_id: blue, author_id: ben, title: '' } with '23514'
    deny insert notes { team_id: blue, author_id: ben } with '23502'
    deny insert pins { note_id: 12345 } with '23503'
    allow insert pins { note_id: draft, weight: 3 }
    pins -> 1 row
    allow call shout(third, 'Loud')
    allow call shout(third)
    deny call shout(first, 'Loud') with 'P0001'
    allow delete third
    notes -> 4 rows
  }
  as role auditor { notes -> 1 row }
  given { notes fourth { team_id: red, author_id: ana, title: 'Late' } }
  as ana { notes -> only first, second, draft, fourth }
}

scenario 'base alone' in base {
  as ana { notes -> none  teams -> only red  profiles -> only ana, ben }
}
"#,
    );
}

/// Each kind of expectation, where it says what is not so.
#[test]
fn what_is_not_so_is_told() {
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut wrong = |scenario: &'static str, expected: &[&'static str]| all.push((scenario, expected.to_vec()));
    wrong("as ana { notes -> only first }", &["ana: notes -> only first: first, second"]);
    wrong("as ana { notes -> only first, second, third }", &["ana: notes -> only first, second, third: first, second"]);
    wrong("as ana { notes -> none }", &["ana: notes -> none: 2 rows"]);
    wrong("as ana { notes -> all }", &["ana: notes -> all: 2 rows"]);
    wrong("as ana { notes -> 1 row }", &["ana: notes -> 1 row: 2 rows"]);
    wrong(
        "as anon { notes -> 1 row  notes -> only first  notes -> all }",
        &[
            "anon: notes -> 1 row: refused with 42501: permission denied for table notes",
            "anon: notes -> only first: refused with 42501: permission denied for table notes",
            "anon: notes -> all: refused with 42501: permission denied for table notes",
        ],
    );
    // What may be read of the row is not its key.
    wrong(
        "given { notes x { team_id: red, author_id: ana, title: 'X', state: 'draft' } } as ana { allow update x { state: 'out' } } as role auditor { notes -> none  notes -> only x }",
        &[
            "ana: allow update x { state: 'out' }: as written",
            "auditor: notes -> none: 1 row",
            "auditor: notes -> only x: refused with 42501: permission denied for table notes",
        ],
    );
    wrong(
        "as ben { allow update first { title: 'Mine' } }",
        &["ben: allow update first { title: 'Mine' }: it touched no rows"],
    );
    wrong("as ben { allow delete first }", &["ben: allow delete first: it touched no rows"]);
    wrong(
        "as ben { allow insert notes { team_id: red, author_id: ben, title: 'X' }  notes -> only third }",
        &[
            "ben: allow insert notes { team_id: red, author_id: ben, title: 'X' }: refused with 42501: new row violates row-level security policy for table \"notes\"",
            "ben: notes -> only third: as written",
        ],
    );
    wrong(
        "as ana { deny update first { title: 'X' }  notes -> only first, second }",
        &["ana: deny update first { title: 'X' }: it was let through", "ana: notes -> only first, second: as written"],
    );
    wrong(
        "as ana { deny delete first  notes -> 2 rows }",
        &["ana: deny delete first: it was let through", "ana: notes -> 2 rows: as written"],
    );
    wrong(
        "as ana { deny insert notes { team_id: red, author_id: ana, title: 'X' } notes -> 2 rows }",
        &[
            "ana: deny insert notes { team_id: red, author_id: ana, title: 'X' }: it was let through",
            "ana: notes -> 2 rows: as written",
        ],
    );
    // A refusal for another reason shows nothing about rights.
    wrong(
        "as ana { deny insert notes { team_id: red, author_id: ana, title: 'First' } }",
        &[
            "ana: deny insert notes { team_id: red, author_id: ana, title: 'First' }: refused with 23505: duplicate key value violates unique constraint \"notes_title_key\"",
        ],
    );
    wrong("as ben { deny delete first with '42501' }", &["ben: deny delete first with '42501': it touched no rows"]);
    wrong(
        "as ana { deny call shout(first) with 'P0001'  allow call shout(third) }",
        &[
            "ana: deny call shout(first) with 'P0001': it was let through",
            "ana: allow call shout(third): refused with P0001: not yours",
        ],
    );
    // What is checked at the end of a transaction is checked after each step.
    wrong(
        "as ana { allow insert pins { note_id: 4711 } pins -> none }",
        &[
            "ana: allow insert pins { note_id: 4711 }: refused with 23503: insert or update on table \"pins\" violates foreign key constraint \"pins_note_id_fkey\"",
            "ana: pins -> none: as written",
        ],
    );
    // Nobody can be kept from what is not there.
    wrong(
        "as ana { allow delete first deny delete first }",
        &["ana: allow delete first: as written", "ana: deny delete first: the row is not there"],
    );
    wrong(
        "given { notes y { team_id: red, author_id: ana, title: '' } } as ana { notes -> none }",
        &["given: 'wrong 18': refused with 23514: new row for relation \"notes\" violates check constraint \"titled\""],
    );
    let mut text = String::new();
    for (at, (scenario, _)) in all.iter().enumerate() {
        let _ = writeln!(text, "scenario 'wrong {at}' {{ {scenario} }}");
    }
    let expected: Vec<&str> = all.iter().flat_map(|(_, lines)| lines).copied().collect();
    assert_eq!(check_lines(SPEC, Target::Supabase, &text), expected);
}

/// A plain server, where settings say who asks, with names and texts that need quotes.
const PLAIN: &str = r#"
viewer -> "the people"

role reader
role app
role "odd ""role"""

entity "the people" {
  "the key": text  key
  mail:      text  unique

  policy { own: allow select, update (mail)  to app  when "the key" = viewer }
}

entity "Things" {
  "of": text
  at:   date
  said: text
  who   -> "the people"

  key ("of", at)
  index (who)

  policy {
    own:   allow all     to app             when who = viewer
    named: allow select  to "odd ""role"""  when said = claims.word
    open:  allow select  to reader          when said = ''
  }
}

procedure rename(p_who: text, p_mail: text) language sql to app as $$
  update public."the people" set mail = p_mail where "the key" = p_who
$$

seed base {
  "the people" "an'a" { "the key": 'a''"; drop table x; --', mail: 'ana' }
  "the people" ben { "the key": 'ben', mail: 'ben' }
  "Things" "it's" { "of": 'x''y', at: '2026-01-01', said: '', who: "an'a" }
  "Things" with { "of": 'z', at: '2026-01-01', said: 'a"b', who: ben }
}
"#;

#[test]
fn who_asks_on_a_plain_server_is_who_the_scenario_says() {
    right(
        PLAIN,
        Target::Postgres,
        r#"
scenario 'it''s quoted' {
  as "an'a" in app {
    "Things" -> only "it's"
    "the people" -> only "an'a"
    allow update "Things" "it's" { said: '''; select 1; --' }
    deny insert "Things" { "of": 'new', at: '2026-01-02', said: 'x', who: ben }
    allow insert "Things" { "of": 'new', at: '2026-01-02', said: 'x', who: "an'a" }
    deny delete "Things" "with"
    "Things" -> 2 rows
    allow call rename("an'a", 'an''a@example.com')
  }
  as ben in app { "Things" -> only "with" }
  as role "odd ""role""" claims '{"word": "a\"b"}' { "Things" -> only "with" }
  as "odd ""role""" claims '{"word": "''"}' { "Things" -> none  "the people" -> none }
  as reader { "Things" -> none }
}
"#,
    );
}

/// What the specs under `specs/` show comes out as written.
#[test]
fn the_scenarios_of_the_specs_come_out_as_written() {
    for name in specs() {
        let files = spec_files(&name);
        let (model, sources) = of_texts(&files, Target::Supabase);
        assert!(model.scenarios.len() > 1, "{name}");
        for major in VERSIONS {
            for (env, rows) in [("base", Rows::Base), ("dev", Rows::Dev)] {
                if model.scenarios.iter().all(|scenario| scenario.env != env) {
                    continue;
                }
                let db = database(&name, major, rows);
                let lines = told(&mut db.connect().expect("a session"), env, &model, &sources);
                let wrong: Vec<_> = lines.iter().filter(|line| !line.ends_with(": as written")).collect();
                assert!(wrong.is_empty() && !lines.is_empty(), "{name} on {major}: {wrong:#?}");
            }
        }
    }
}
