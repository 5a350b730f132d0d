//! Masked backups: no value of a masked column is in them, and what comes back has the same rows, joins and counts.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use specc_postgres::{Address, Database, shared};
use specc_runner::{BackupOptions, Manifest, MaskedColumn, RestoreOptions};
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
create table audit_log (id int primary key, table_schema text, table_name text, old_data jsonb, new_data jsonb);
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
insert into audit_log select g, 'public', 'people', null, jsonb_build_object('email', 'person' || g || '.traceable@example.com', 'id', g) from generate_series(1, 50) g;
"#;

#[test]
fn a_masked_backup_has_no_value_that_was_there() {
    let columns = |list: &[(&str, &str)]| -> Vec<MaskedColumn> {
        let column = |(table, column): &(&str, &str)| MaskedColumn {
            schema: "public".into(),
            table: (*table).into(),
            column: (*column).into(),
        };
        list.iter().map(column).collect()
    };
    let all =
        ["email", "name", "phone", "born", "ip", "salary", "card", "extra", "tags", "nick", "token", "hash", "city"];
    let mut masked: Vec<(&str, &str)> = all.iter().map(|name| ("people", *name)).collect();
    masked.push(("mails", "body; text"));
    for major in [15, 18] {
        let cluster = shared(major);
        let db = cluster.platform_database().unwrap();
        let shop = migrations(&[("20260101000001_people", PEOPLE)], &[]);
        apply(&db, &shop, &options()).unwrap();
        db.connect().unwrap().batch_execute(ROWS).unwrap();
        let (_dir, dump) = folder();
        let options = BackupOptions { masked: Some(columns(&masked)), supabase: true, ..BackupOptions::default() };
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
