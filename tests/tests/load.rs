//! Every spec loads, twice seeded is once seeded, and the down scripts leave nothing behind.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use specc_tests::build::{Layout, files, project_for, root, run_build};
use specc_tests::stage::run;
use specc_tests::{Rows, VERSIONS, spec, specs, texts};

/// Everything in the catalog that a migration can change, one object a row. Privileges count as what they mean: those
/// that an owner has anyway are written out or not.
const FINGERPRINT: &str = r#"
with spaces as (
  select oid, nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'
), found (kind, name, what) as (
  select 'schema', s.nspname, (select string_agg(a::text, ' ' order by a::text)
         from unnest(coalesce(n.nspacl, acldefault('n', n.nspowner))) a) || pg_get_userbyid(n.nspowner)
  from spaces s join pg_namespace n on n.oid = s.oid
  union all
  select 'relation', s.nspname || '.' || c.relname,
         concat_ws(' ', c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.reloptions,
           pg_get_userbyid(c.relowner), pg_get_expr(c.relpartbound, c.oid),
           (select string_agg(a::text, ' ' order by a::text)
            from unnest(coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))) a))
  from pg_class c join spaces s on s.oid = c.relnamespace
  where c.relkind not in ('i', 'I', 't')
  union all
  select 'column', s.nspname || '.' || c.relname || '.' || a.attname,
         concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, nullif(a.attidentity, ''), nullif(a.attgenerated, ''), a.attstorage,
           a.attcompression, (select l.collname from pg_collation l where l.oid = a.attcollation), pg_get_expr(d.adbin, d.adrelid), a.attacl)
  from pg_attribute a join pg_class c on c.oid = a.attrelid join spaces s on s.oid = c.relnamespace
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attnum > 0 and not a.attisdropped and c.relkind not in ('i', 'I', 't')
  union all
  select 'index', s.nspname || '.' || c.relname, pg_get_indexdef(c.oid)
  from pg_class c join spaces s on s.oid = c.relnamespace where c.relkind in ('i', 'I')
  union all
  select 'constraint', s.nspname || '.' || coalesce(nullif(k.conrelid, 0)::regclass::text, k.contypid::regtype::text) || '.' || k.conname,
         concat_ws(' ', pg_get_constraintdef(k.oid), k.convalidated)
  from pg_constraint k join spaces s on s.oid = k.connamespace
  union all
  select 'trigger', t.tgrelid::regclass || '.' || t.tgname, concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join spaces s on s.oid = c.relnamespace where not t.tgisinternal
  union all
  select 'policy', p.polrelid::regclass || '.' || p.polname,
         concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::regrole[], pg_get_expr(p.polqual, p.polrelid),
           pg_get_expr(p.polwithcheck, p.polrelid))
  from pg_policy p
  union all
  select 'function', p.oid::regprocedure::text,
         concat_ws(' ', p.prokind, p.prosecdef, p.provolatile, p.proparallel, p.proconfig, p.prosrc,
           pg_get_function_sqlbody(p.oid), pg_get_userbyid(p.proowner),
           (select string_agg(a::text, ' ' order by a::text) from unnest(coalesce(p.proacl, acldefault('f', p.proowner))) a))
  from pg_proc p join spaces s on s.oid = p.pronamespace
  union all
  select 'type', s.nspname || '.' || t.typname,
         concat_ws(' ', t.typtype, t.typnotnull, t.typdefault, format_type(t.typbasetype, t.typtypmod),
           (select string_agg(e.enumlabel, ',' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
           (select string_agg(a::text, ' ' order by a::text) from unnest(coalesce(t.typacl, acldefault('T', t.typowner))) a))
  from pg_type t join spaces s on s.oid = t.typnamespace
  union all
  select 'extension', e.extname, e.extversion || ' in ' || e.extnamespace::regnamespace from pg_extension e
  union all
  select 'default privileges', concat_ws(' ', pg_get_userbyid(d.defaclrole), d.defaclnamespace::regnamespace, d.defaclobjtype),
         (select string_agg(a::text, ' ' order by a::text) from unnest(d.defaclacl) a)
  from pg_default_acl d
  union all
  select 'publication', p.pubname, (select string_agg(concat_ws(' ', r.prrelid::regclass, r.prattrs, pg_get_expr(r.prqual, r.prrelid)), ', '
         order by r.prrelid::regclass::text) from pg_publication_rel r where r.prpubid = p.oid)
  from pg_publication p
  union all
  select 'comment', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description
  from pg_description d
  where d.classoid <> 'pg_proc'::regclass and d.objoid >= 16384
  union all
  select 'statistics', s.nspname || '.' || x.stxname, pg_get_statisticsobjdef(x.oid)
  from pg_statistic_ext x join spaces s on s.oid = x.stxnamespace
)
select kind, name, what from found order by 1, 2, 3
"#;

const EXTENSIONS: &str = "select quote_ident(extname) from pg_extension order by 1";

fn fingerprint(session: &mut specc_postgres::Session) -> Vec<String> {
    texts(session, FINGERPRINT)
}

/// How many rows each table has, and what is in them to the last column.
fn contents(session: &mut specc_postgres::Session) -> Vec<String> {
    let tables = texts(
        session,
        "select quote_ident(n.nspname) || '.' || quote_ident(c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and not c.relispartition
           and (n.nspname in ('public', 'auth', 'cron') or (n.nspname, c.relname) = ('storage', 'buckets'))
         order by 1",
    );
    tables
        .iter()
        .flat_map(|table| {
            texts(
                session,
                &format!("select '{table}', count(*), md5(string_agg(t::text, '|' order by t::text)) from {table} t"),
            )
        })
        .collect()
}

/// Lines of one list that the other lacks.
fn difference(before: &[String], after: &[String]) -> String {
    let lost = before.iter().filter(|line| !after.contains(line)).map(|line| format!("- {line}\n"));
    let new = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}\n"));
    lost.chain(new).collect()
}

/// Loads, seeds twice, goes down, and up again.
fn there_and_back(name: &str) {
    let built = spec(name);
    for major in VERSIONS {
        let db = built.bare_database(major);
        let mut owner = db.connect().unwrap();
        let role = texts(&mut owner, "select rolsuper, rolbypassrls from pg_roles where rolname = current_user");
        assert_eq!(role, ["f t"], "the platform gives its users no superuser");
        let (empty, extensions) = (fingerprint(&mut owner), texts(&mut owner, EXTENSIONS));
        built.load(&mut owner, Rows::Base);
        let full = fingerprint(&mut owner);
        assert!(full.len() > empty.len() + 50, "{name} on {major} made next to nothing");

        // those of every environment, which are a migration where there are any, and those of each
        let base = built.migrations().into_iter().filter(|(name, _)| name.ends_with("_seed.sql"));
        let seeds: Vec<_> = base.chain(built.seeds()).collect();
        for (file, text) in &seeds {
            run(&mut owner, file, text);
        }
        let once = contents(&mut owner);
        for (file, text) in &seeds {
            run(&mut owner, file, text);
        }
        let changed = difference(&once, &contents(&mut owner));
        assert_eq!(changed, "", "{name} on {major}: a second run of the seeds changes nothing");
        assert_eq!(difference(&full, &fingerprint(&mut owner)), "", "{name} on {major}: seeds change no object");

        // without people's rows: a row of ours that one of theirs refers to is not taken away
        let db = built.bare_database(major);
        let mut owner = db.connect().unwrap();
        built.load(&mut owner, Rows::Base);
        built.unload(&mut owner);
        // Extensions stay, since others may use them; that nothing of ours needs one any more shows when they go.
        for extension in texts(&mut owner, EXTENSIONS).iter().filter(|e| !extensions.contains(e)) {
            run(&mut owner, "without the extension", &format!("drop extension {extension}"));
        }
        assert_eq!(difference(&empty, &fingerprint(&mut owner)), "", "{name} on {major}: what the down scripts leave");
        built.load(&mut owner, Rows::Base);
        assert_eq!(difference(&full, &fingerprint(&mut owner)), "", "{name} on {major}: up again");
    }
}

#[test]
fn starter_goes_there_and_back() {
    there_and_back("starter");
}

#[test]
fn srvc_crm_goes_there_and_back() {
    there_and_back("srvc_crm");
}

#[test]
fn automation_platform_goes_there_and_back() {
    there_and_back("automation_platform");
}

#[test]
fn medellin_spark_goes_there_and_back() {
    there_and_back("medellin_spark");
}

/// A build is a function of the spec: a file that differs without a reason would be a migration in version control.
#[test]
fn the_same_spec_gives_the_same_bytes() {
    for name in specs() {
        let [one, two] = [(), ()].map(|()| {
            let dir = tempfile::tempdir().unwrap();
            run_build(&root().join("specs").join(&name), dir.path());
            files(dir.path())
        });
        assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>(), "{name}");
        assert!(one.len() > 10, "{name}: {:?}", one.keys());
        for (file, bytes) in &one {
            assert!(*bytes == two[file], "{name}: {file} differs from build to build");
        }
    }
}

/// A spec that is added has to be added here too.
#[test]
fn no_spec_is_forgotten() {
    assert_eq!(specs(), ["automation_platform", "medellin_spark", "srvc_crm", "starter"]);
}

/// A pattern brings along all that it needs, whatever else is or is not in the spec.
#[test]
fn every_pattern_loads_by_itself() {
    let std = root().join("crates/model/std");
    let patterns = files(&std).into_keys().map(|name| name.trim_end_matches(".dbspec").to_owned());
    for pattern in patterns {
        let used = if pattern == "tenant" { "tenant(thing_id, things)" } else { &pattern };
        let text = format!("entity things {{ id: int key }}\nentity parts {{ id: int key, name: text, use {used} }}");
        for layout in [Layout::Supabase, Layout::Postgres] {
            let built = project_for(layout, &text);
            for major in VERSIONS {
                let db = built.bare_database(major);
                let mut owner = db.connect().unwrap();
                built.load(&mut owner, Rows::Base);
                let column = if pattern == "tenant" { "thing_id, " } else { "" };
                let value = if pattern == "tenant" { "1, " } else { "" };
                run(
                    &mut owner,
                    &pattern,
                    &format!(
                        "insert into things values (1); insert into parts (id, {column}name) values (1, {value}'One')"
                    ),
                );
                // an append-only row is the one that does not change
                let change = owner.batch_execute("update parts set name = 'Two'");
                assert_eq!(
                    change.is_err(),
                    pattern == "append_only",
                    "{pattern} for {layout:?} on {major}: {change:?}"
                );
                built.unload(&mut owner);
            }
        }
    }
}

/// Migrations are for a database that is in use: running the first of them again says at once that it is there.
#[test]
fn a_migration_does_not_run_twice() {
    let built = spec("starter");
    let db = built.database(18, Rows::Base);
    let (_, first) = &built.migrations()[0];
    let again = db.load(first).unwrap_err();
    assert!(["42P07", "42710", "42P06", "42723"].contains(&again.sqlstate().unwrap_or_default()), "{again}");
    run(&mut db.connect().unwrap(), "the database is as it was", "select from public.projects");
}

#[test]
fn the_picture_in_the_readme_is_what_a_build_draws() {
    let shown = std::fs::read(specc_tests::root().join("docs/images/starter-erd.svg")).unwrap();
    let drawn = std::fs::read(spec("starter").dir().join("docs/erd.svg")).unwrap();
    assert!(shown == drawn, "copy docs/erd.svg of a build of specs/starter to docs/images/starter-erd.svg");
}
