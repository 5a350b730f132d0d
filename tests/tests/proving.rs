//! `specc prove` against a real server: what its model of access says of databases at random is what Postgres does, and what
//! it says of the specs under `specs/` holds.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout)]

use specc_model::{Model, Options};
use specc_prove::{Tried, Verdict};
use specc_tests::replay::{BARE, CELLS, bare_spec, model_of, model_of_spec, outcome, outcomes};
use specc_tests::{Rows, VERSIONS, root, specs};
use std::fmt::Write;

/// So many statements are tried in one round trip.
const BATCH: usize = 200;

/// Tries databases at random, and says how many statements agreed.
fn agree(major: u32, seed: u64, count: usize) -> usize {
    let mut wrong = String::new();
    let mut tried = 0;
    for name in specs() {
        let model = model_of_spec(&name);
        let (_db, mut session) = bare_spec(&name, major);
        session.batch_execute(CELLS).unwrap();
        // The storage service says so before it deletes.
        session.batch_execute("set storage.allow_delete_query = 'true'").unwrap();
        let (send, receive) = std::sync::mpsc::sync_channel::<Vec<Tried>>(4);
        std::thread::scope(|scope| {
            let model = &model;
            scope.spawn(move || {
                let mut batch = Vec::new();
                specc_prove::sample(model, seed, count, |one| {
                    batch.push(one);
                    if batch.len() == BATCH {
                        send.send(std::mem::take(&mut batch)).unwrap();
                    }
                });
                send.send(batch).unwrap();
            });
            for batch in receive {
                let got = outcomes(&mut session, &batch, model);
                for (one, got) in batch.iter().zip(got) {
                    let Some(got) = got else { continue };
                    tried += 1;
                    let fits = match &got {
                        Ok(rows) => (*rows > 0) == one.allowed,
                        // Nothing but a refusal is a refusal.
                        Err(error) => !one.allowed && error.starts_with("42501"),
                    };
                    if !fits && wrong.len() < 20_000 {
                        let (way, allowed, lines) = (one.way, one.allowed, one.case.lines(model).join("\n  "));
                        let _ = writeln!(wrong, "{name}: {way:?} the model says {allowed}, {major} {got:?}\n  {lines}");
                    }
                }
            }
        });
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    tried
}

#[test]
fn what_the_model_says_of_databases_at_random_is_what_postgres_does() {
    for major in VERSIONS {
        let tried = agree(major, 20_260_101 + u64::from(major), 1);
        assert!(tried > 300, "{tried}");
    }
}

/// `SPECC_CELLS` statements for each right and way of writing it, 200 where nothing is said.
#[test]
#[ignore = "a long run"]
fn what_the_model_says_of_many_databases_is_what_postgres_does() {
    let count = std::env::var("SPECC_CELLS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let tried = agree(18, 7, count);
    println!("{tried} statements agree");
}

#[test]
fn every_property_of_the_specs_is_decided() {
    for name in specs() {
        let model = model_of_spec(&name);
        let found = specc_prove::prove(&model);
        let open =
            found.iter().filter(|f| matches!(f.verdict, Verdict::OutOfFragment { .. } | Verdict::Checked { .. }));
        assert!(found.iter().all(|f| !matches!(f.verdict, Verdict::TooLarge)), "{name}");
        assert!(open.count() * 100 <= found.len() * 3, "{name}");
        assert!(found.len() > 40, "{name}: {}", found.len());
    }
}

/// Keys that have a tenant's column in them lead from each table to the next, and what is asked of the last one says nothing of
/// those above.
#[test]
fn a_line_of_references_is_no_longer_than_what_is_asked() {
    let tenant = "tenant_id = claims.tenant_id::uuid";
    let mut text = "entity tenants {\n  id: uuid key\n  policy { own: allow select  to authenticated  when id = claims.tenant_id::uuid }\n}\n".to_owned();
    for i in 0..10 {
        let _ = write!(
            text,
            "entity t{i} {{\n  tenant_id -> tenants  inverse t{i}s\n  id: uuid\n  key (tenant_id, id)\n{}  policy {{\n    \
             own: allow select, update  to authenticated  when {tenant}\n  }}\n}}\n",
            match i {
                0 => String::new(),
                _ => format!(
                    "  up: uuid\n  reference (tenant_id, up) -> t{} (tenant_id, id) as above inverse below\n",
                    i - 1
                ),
            }
        );
    }
    let (model, _) = model_of(&[("line.dbspec", text)], Options::default());
    let found = specc_prove::prove(&model);
    assert!(found.len() > 100, "{}", found.len());
    let open = found.iter().filter(|f| matches!(f.verdict, Verdict::Checked { .. } | Verdict::TooLarge));
    assert!(open.map(|f| &f.claim).collect::<Vec<_>>().is_empty());
}

/// What is proven is proven by counting rows: with more of them nothing else comes out.
#[test]
fn more_rows_than_decide_change_no_verdict() {
    let pages = std::fs::read_dir(root().join("crates/diag/pages")).unwrap().map(|page| page.unwrap().path());
    let pages = pages.filter(|page| page.file_name().unwrap().to_string_lossy().starts_with('A'));
    let mut specs: Vec<(String, Model)> = pages
        .flat_map(|page| {
            let text = std::fs::read_to_string(&page).unwrap();
            let blocks: Vec<String> =
                text.split("```dbspec\n").skip(1).map(|b| b.split("```").next().unwrap().into()).collect();
            blocks
                .into_iter()
                .map(|block| (page.display().to_string(), model_of(&[("page.dbspec", block)], Options::default()).0))
                .collect::<Vec<_>>()
        })
        .collect();
    specs.extend(["starter", "srvc_crm", "automation_platform"].map(|name| (name.to_owned(), model_of_spec(name))));
    assert!(specs.len() > 30);
    for (name, model) in &specs {
        let said = |more| -> Vec<String> {
            let found = specc_prove::prove_beyond(model, more);
            found.iter().map(|f| format!("{} {}", f.claim, matches!(f.verdict, Verdict::Counterexample(_)))).collect()
        };
        let (few, more) = (said(0), said(2));
        let differ: Vec<_> = few.iter().zip(&more).filter(|(a, b)| a != b).collect();
        assert!(differ.is_empty() && few.len() == more.len(), "{name}: {differ:?}");
    }
}

/// Tables with rules of many kinds, for promises of all kinds.
const PROMISING: &str = "
viewer -> profiles

enum team_role { owner, member }

entity profiles {
  id:    uuid  key
  admin: boolean = false

  policy { everyone: allow select  to authenticated }
}

entity teams {
  id:     uuid = gen_random_uuid()  key
  closed: boolean = false

  policy { members_read: allow select  to authenticated  when exists members (user_id = viewer) }
}

entity members {
  team_id -> teams     inverse members on delete cascade immutable
  user_id -> profiles  on delete cascade immutable
  role:   team_role = 'member'

  key (team_id, user_id)
  index (user_id, team_id)

  policy {
    colleagues_read: allow select  to authenticated  when exists team.members (user_id = viewer)
  }
}

predicate leads(t: teams) = exists t.members (user_id = viewer and role = 'owner')

entity documents {
  id:       uuid = gen_random_uuid()  key
  team_id   -> teams                  on delete cascade
  author_id -> profiles?
  title:    text
  note:     text?
  locked:   boolean = false

  policy {
    read:        allow select                               to authenticated  when exists team.members (user_id = viewer)
    read_open:   allow select                               to anon           when title = 'open' and not locked
    add:         allow insert (id, team_id, author_id, title)  to authenticated  when author_id = viewer and exists team.members (user_id = viewer)
    lead_add:    allow insert                               to authenticated  when leads(team)
    edit:        allow update (team_id, title)              to authenticated  when exists team.members (user_id = viewer)
    lead_edit:   allow update (note, locked, author_id)     to authenticated  when leads(team) check leads(team) and not team.closed
    remove:      allow delete                               to authenticated  when author_id = viewer or leads(team)
    locked_stay: forbid delete                                                unless not locked
    no_notes:    forbid update (note)                                         when locked
  }
";

/// Lines made of these parts: `deny` and `allow`, for each command, with and without columns.
fn promises(seed: u64, count: usize) -> String {
    const CONDITIONS: [&str; 14] = [
        "exists team.members (user_id = viewer)",
        "leads(team)",
        "author_id = viewer",
        "locked",
        "not locked",
        "title = 'open'",
        "author_id is null",
        "team.closed",
        "note = title",
        "author_id <> viewer",
        "exists team.members (role = 'owner')",
        "viewer.admin",
        "exists author.members (role = 'owner')",
        "author.admin and not exists team.members (user_id = viewer)",
    ];
    let mut state = seed;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut out = "  promise 'many' {\n".to_owned();
    for _ in 0..count {
        let command = ["select", "insert", "update", "delete"][next(4)];
        let word = ["deny", "allow"][next(2)];
        let columns =
            ["", " (title)", " (note, locked)", " (author_id)"][if command == "delete" { 0 } else { next(4) }];
        let roles = ["", " to authenticated", " to anon"][next(3)];
        let mut condition = || {
            let one = CONDITIONS[next(CONDITIONS.len())];
            match next(3) {
                0 => format!("({one}) and {}", CONDITIONS[next(CONDITIONS.len())]),
                1 => format!("({one}) or not ({})", CONDITIONS[next(CONDITIONS.len())]),
                _ => one.to_owned(),
            }
        };
        let (first, second) = (condition(), condition());
        let when = ["", " when ", " unless "][next(3)];
        let when = if when.is_empty() { String::new() } else { format!("{when}{first}") };
        let becoming = command == "update" && next(2) == 0;
        let becoming = if becoming { format!(" becoming {second}") } else { String::new() };
        let _ = writeln!(out, "    {word} {command}{columns}{roles}{when}{becoming}");
    }
    out + "  }\n}\n"
}

/// What a promise is broken by is so on Postgres: what is denied is let through there, and what is allowed refused. What is
/// proven stays so with more rows.
#[test]
fn promises_are_broken_as_postgres_breaks_them() {
    let text = format!("{PROMISING}{}", promises(2, 150));
    let model = model_of(&[("case.dbspec", text.clone())], Options::default()).0;
    let found = specc_prove::prove(&model);
    let found: Vec<_> = found.iter().filter(|finding| finding.code == specc_diag::codes::BROKEN_PROMISE).collect();
    let more = specc_prove::prove_beyond(&model, 1);
    let more: Vec<_> = more.iter().filter(|finding| finding.code == specc_diag::codes::BROKEN_PROMISE).collect();
    let wrong: Vec<_> = found
        .iter()
        .zip(&more)
        .filter(|(a, b)| std::mem::discriminant(&a.verdict) != std::mem::discriminant(&b.verdict))
        .map(|(a, b)| format!("{}: {:?} {:?}", a.claim, a.verdict, b.verdict))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let (mut proven, mut wrong) = (0, String::new());
    let built = specc_tests::project(&text);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut session = db.connect().expect("a session");
        session.batch_execute(BARE).expect("bare tables");
        let (mut denied, mut allowed) = (0, 0);
        for finding in &found {
            let Verdict::Counterexample(Some(case)) = &finding.verdict else {
                assert!(matches!(finding.verdict, Verdict::Proven { .. }), "{}: {:?}", finding.claim, finding.verdict);
                proven += 1;
                continue;
            };
            let denies = finding.claim.contains(" never ");
            // A row that she does not see is written by a statement that does not name it.
            let Some(got) = outcome(&mut session, case, &model, denies) else { continue };
            let got = got.into_iter().next().unwrap();
            *(if denies { &mut denied } else { &mut allowed }) += 1;
            let fits = match &got {
                Ok(rows) => (*rows > 0) == denies,
                Err(error) => !denies && error.starts_with("42501"),
            };
            if !fits {
                let lines = case.lines(&model).join("\n  ");
                let _ = writeln!(wrong, "{major} {}: {got:?}\n  {lines}", finding.claim);
            }
        }
        assert!(denied > 30 && allowed > 30, "{denied} {allowed}");
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(proven > 60, "{proven}");
}

/// An expression that is not looked into is one value over one row, wherever it is written.
#[test]
fn what_is_said_in_the_same_words_is_the_same() {
    let text = "
viewer -> profiles

entity profiles {
  id: uuid key
  policy { everyone: allow select  to authenticated }
}

predicate low(t: text) = lower(t) = 'x'

entity notes {
  id:    uuid key
  title: text
  body:  text

  policy {
    read:   allow select          to authenticated  when upper(title) <> 'X'
    change: allow update (title)  to authenticated  when low(body)
    remove: allow delete          to authenticated  when lower(title) = 'x' and lower(body) in ('x', 'y')
    roll:   allow insert          to authenticated  when random() < 0.5
  }

  promise 'proven' {
    deny delete  unless lower(title) = 'x'
    deny delete  when lower(body) = 'z'
    deny update  unless low(body)
  }
  promise 'not decided' {
    deny delete  unless lower(body) = 'x'
    deny delete  when lower(title) = lower(body)
    deny update  when low(title) becoming not low(title)
    deny insert  unless random() < 0.5
    deny select  when upper(title) = 'Z'
  }
}
";
    let model = model_of(&[("case.dbspec", text.to_owned())], Options::default()).0;
    let found = specc_prove::prove(&model);
    let of = |promise: &str| {
        let own = found.iter().filter(|f| f.code == specc_diag::codes::BROKEN_PROMISE && f.claim.contains(promise));
        own.filter(|f| f.claim.contains("`authenticated`")).collect::<Vec<_>>()
    };
    assert_eq!((of("`proven`").len(), of("`not decided`").len()), (3, 5));
    for finding in of("`proven`") {
        assert!(matches!(finding.verdict, Verdict::Proven { .. }), "{}: {:?}", finding.claim, finding.verdict);
    }
    for finding in of("`not decided`") {
        assert!(matches!(finding.verdict, Verdict::OutOfFragment { .. }), "{}: {:?}", finding.claim, finding.verdict);
    }
}
