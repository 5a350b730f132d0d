//! Masked backups: no value of a masked column is in them, and what comes back has the same rows, joins and counts.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use specc_postgres::{Address, Database, shared};
use specc_runner::{BackupOptions, Manifest, RestoreOptions, SpecColumn};
use support::{apply, ask, folder, migrations, options};

fn address(db: &Database) -> Address {
    Address::resolve(Some(&db.url("postgres")), |_| None).unwrap()
}

/// People, what refers to them by a key and by an address, and what logs kept of them.
const PEOPLE: &str = r#"
create extension if not exists citext with schema extensions;
create domain mail as text check (value ~ '^[a-z0-9.]+@[a-z]+[.][a-z]+$');
create table people (
  id uuid primary key, email mail not null unique, name text not null check (length(trim(name)) > 0), phone text check (phone ~ '^[+][0-9 ]+$'),
  born date check (born < '2025-01-01'), ip inet, salary numeric(12, 2), card bigint unique, extra jsonb, tags text[], nick extensions.citext unique,
  token uuid not null unique default gen_random_uuid(), hash bytea, city varchar(20), upper_name text generated always as (upper(name)) stored
);
create table mails (id int, to_email text references people (email), "body; text" text, at date not null) partition by range (at);
create table mails_1 partition of mails for values from ('2000-01-01') to ('2100-01-01');
create table audit_log (id int primary key, table_schema text, table_name text, record_id text, old_data jsonb, new_data jsonb);
"#;

/// Apart from the migration, whose text the journal keeps.
const ROWS: &str = r#"
insert into people (id, email, name, phone, born, ip, salary, card, extra, tags, nick, hash, city)
  select gen_random_uuid(), 'person' || g || '.traceable@example.com', E'Zoë "Quoted"\\t\\\\ Traceable' || g, '+57 300 741 ' || lpad(g::text, 4, '0'),
    date '1980-01-01' + g, ('203.0.113.' || g)::inet, 7413000.25 + g, 4111111111110000 + g,
    jsonb_build_object('home', jsonb_build_object('street', 'Traceable Street ' || g), 'n', 74130000 + g), array['traceable ' || g, null, 'x,"y'],
    'Nick-Traceable-' || g, convert_to('traceable' || g, 'UTF8'), 'Traceable ' || g
  from generate_series(1, 200) g;
insert into mails select g, 'person' || (1 + g % 50) || '.traceable@example.com', 'about traceable' || g, '2020-01-01' from generate_series(1, 300) g;
insert into audit_log select g, 'public', 'people', g, null, jsonb_build_object('email', 'person' || g || '.traceable@example.com', 'id', g) from generate_series(1, 50) g;
-- Of a column that there is no more, and of a table that there is no more.
insert into audit_log values (51, 'public', 'people', '1', '{"fax": "traceable fax", "upper_name": "TRACEABLE"}', null),
  (52, 'public', 'people_2020', 'traceable-key', '{"id": "traceable id"}', null);
"#;

/// Tables with the columns that stay, and those that have a class: names between blanks, or one of several words.
fn spec(tables: &[(&str, &str, &str)]) -> Vec<SpecColumn> {
    let mut all = Vec::new();
    for (table, plain, masked) in tables {
        for (names, masked) in [(plain, false), (masked, true)] {
            let names = if names.contains(';') { vec![*names] } else { names.split_whitespace().collect() };
            all.extend(names.into_iter().map(|name| SpecColumn {
                schema: "public".into(),
                table: (*table).into(),
                column: name.into(),
                masked,
            }));
        }
    }
    all
}

#[test]
fn a_masked_backup_has_no_value_that_was_there() {
    let spec = spec(&[
        ("people", "id", "email name phone born ip salary card extra tags nick token hash city upper_name"),
        ("mails", "id to_email at", "body; text"),
        ("audit_log", "id table_schema table_name record_id old_data new_data", ""),
    ]);
    for major in [15, 18] {
        let cluster = shared(major);
        let db = cluster.platform_database().unwrap();
        let shop = migrations(&[("20260101000001_people", PEOPLE)], &[]);
        apply(&db, &shop, &options()).unwrap();
        db.connect().unwrap().batch_execute(ROWS).unwrap();
        let (_dir, dump) = folder();
        let options = BackupOptions { masked: Some(spec.clone()), supabase: true, ..BackupOptions::default() };
        let manifest =
            specc_runner::backup(&mut db.connect().unwrap(), &address(&db), &dump, &options, &|_| {}).unwrap();
        let manifest = Manifest::from_json(&manifest.to_json()).unwrap();
        assert!(manifest.masked && manifest.tables.iter().any(|t| t.name == "people" && t.fingerprint.is_none()));

        // Neither as it is, nor in another case, nor in the hexadecimal of bytes.
        let bytes = std::fs::read(&dump).unwrap();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for trace in ["traceable", "zoë", "747261636561626c65", "300 741", "203.0.113.", "7413000", "41111111111100"] {
            assert!(!text.contains(trace), "{trace}");
        }
        let tokens = ask(&db, "select string_agg(token::text, ' ') from people");
        assert!(tokens.split(' ').all(|token| !text.contains(token)));

        let other = cluster.platform_database().unwrap();
        let mut session = other.connect().unwrap();
        let options = RestoreOptions::default();
        specc_runner::restore(&mut session, &address(&other), &dump, &manifest, &options, &|_| {}).unwrap();
        for same in [
            "select count(*), count(distinct email), count(distinct name), count(distinct born), count(distinct ip), count(distinct salary) from people",
            "select count(distinct (extra, tags, nick)), count(distinct (hash, city)), sum(length(name)), sum(cardinality(tags)) from people",
            "select count(*), count(distinct p.id) from mails m join people p on p.email = m.to_email",
            "select count(*) from audit_log a join people p on p.email = a.new_data ->> 'email'",
            "select string_agg(id::text, ' ' order by id) from people",
            "select count(*) from people where upper_name = upper(name)",
            "select string_agg(array(select jsonb_object_keys(extra))::text, '' order by id) from people",
        ] {
            assert_eq!(ask(&other, same), ask(&db, same), "{same}");
        }
        let kept = ask(
            &other,
            "select string_agg(concat_ws(' ', email, name, phone, born, ip, salary, card, extra, nick), ' ') from people",
        );
        assert!(!kept.contains("raceable"), "{kept}");
    }
}

/// A table of a calendar, with a partition of now, one that it took away and one that it archived.
const ROLLS: &str = "
create schema cold;
create table visits (at date not null, email text, note text, primary key (at, email)) partition by range (at);
create table visits_2030_01 partition of visits for values from ('2030-01-01') to ('2030-02-01');
create table visits_2020_01 (like visits including all);
create table cold.visits_2020_02 (like visits including all);
comment on table visits_2020_01 is 'Made by specc as a part of public.visits. 00000000000000000000000000000000';
comment on table cold.visits_2020_02 is 'Made by specc as a part of public.visits. 00000000000000000000000000000000';
";

const VISITS: &str = "
insert into visits values ('2030-01-10', 'traceable1', 'n1');
insert into visits_2020_01 values ('2020-01-10', 'traceable2', 'n2');
insert into cold.visits_2020_02 values ('2020-02-10', 'traceable3', 'n3');
";

#[test]
fn what_the_calendar_took_away_is_masked_and_what_nobody_knows_is_refused() {
    let known = spec(&[("visits", "at note", "email")]);
    for major in [15, 18] {
        let cluster = shared(major);
        let db = cluster.platform_database().unwrap();
        apply(&db, &migrations(&[("20260101000001_visits", ROLLS)], &[]), &options()).unwrap();
        let mut session = db.connect().unwrap();
        session.batch_execute(VISITS).unwrap();
        let back_up = |tables: &[&str]| {
            let (dir, dump) = folder();
            let options = BackupOptions {
                masked: Some(known.clone()),
                tables: tables.iter().map(ToString::to_string).collect(),
                supabase: true,
                ..BackupOptions::default()
            };
            let made = specc_runner::backup(&mut db.connect().unwrap(), &address(&db), &dump, &options, &|_| {});
            (dir, made.map(|_| std::fs::read(&dump).unwrap()).map_err(|error| error.to_string()))
        };
        let dump = back_up(&[]).1.unwrap();
        let text = String::from_utf8_lossy(&dump);
        assert!(!text.contains("traceable"), "{major}");
        for row in ["2030-01-10", "2020-01-10", "2020-02-10", "n1", "n2", "n3"] {
            assert!(text.contains(row), "{major}: {row}");
        }
        // A table that the spec does not know; what an archived one has and its table has no more; an archived one of a table that
        // there is no more, or of somebody else's; and a column of a table.
        for (change, back, said) in [
            ("create table by_hand (secret text)", "drop table by_hand", "public.by_hand"),
            (
                "alter table cold.visits_2020_02 add fax text",
                "alter table cold.visits_2020_02 drop fax",
                "cold.visits_2020_02 (fax)",
            ),
            (
                "comment on table visits_2020_01 is 'Made by specc as a part of public.gone. 00000000000000000000000000000000'",
                "comment on table visits_2020_01 is 'Made by specc as a part of public.visits. 00000000000000000000000000000000'",
                "public.visits_2020_01",
            ),
            ("alter table visits add phone text", "alter table visits drop phone", "public.visits_2030_01 (phone)"),
        ] {
            session.batch_execute(change).unwrap();
            let refused = back_up(&[]).1.unwrap_err();
            assert!(refused.contains("the spec does not say") && refused.contains(said), "{major}: {refused}");
            session.batch_execute(back).unwrap();
        }
        session.batch_execute("create table by_hand (secret text)").unwrap();
        assert!(back_up(&["public.by_hand"]).1.unwrap_err().contains("public.by_hand"), "{major}");
        assert!(back_up(&["cold.visits_2020_02"]).1.is_ok(), "{major}");
        // Large objects are nobody's column.
        session.batch_execute("drop table by_hand; select lo_from_bytea(0, 'traceable')").unwrap();
        assert!(!String::from_utf8_lossy(&back_up(&[]).1.unwrap()).contains("traceable"), "{major}");
    }
}
