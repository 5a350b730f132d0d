//! The files as Postgres reads them.

use crate::catalog::everything;
use crate::text::files;
use specc_migrate::Layout;
use specc_postgres::{Cluster, Database};

/// What is there, in a few numbers: what a down script has to take back.
fn inventory(db: &Database) -> Vec<String> {
    let sql = "select 'relation ' || c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace \
               where n.nspname in ('public', 'private') \
               union all select 'function ' || p.oid::regprocedure from pg_proc p join pg_namespace n \
               on n.oid = p.pronamespace where n.nspname in ('public', 'private') \
               union all select 'type ' || t.typname from pg_type t join pg_namespace n on n.oid = t.typnamespace \
               where n.nspname in ('public', 'private') \
               union all select 'schema ' || nspname from pg_namespace where nspname !~ '^pg_' \
               union all select 'role ' || rolname from pg_roles where rolname like 'specc%' \
               union all select 'policy ' || policyname from pg_policies \
               union all select 'publication ' || pubname from pg_publication order by 1";
    let mut session = db.connect_superuser().unwrap();
    session.query(sql, &[]).unwrap().iter().map(|row| row.get(0)).collect()
}

fn up_and_down(major: u32, platform: bool, split: bool) {
    // Roles belong to the cluster, so it has to be ours alone.
    let cluster = match Cluster::start(major) {
        Ok(cluster) => cluster,
        Err(error) if major != 15 => return eprintln!("no Postgres {major} here: {error}"),
        Err(error) => panic!("{error}"),
    };
    let db = if platform { cluster.platform_database() } else { cluster.empty_database() }.unwrap();
    let catalog = everything(platform);
    let layout = Layout { split, ..if platform { Layout::supabase() } else { Layout::postgres() } };
    let files = files(&catalog, &layout, None).unwrap();
    let before = inventory(&db);
    let ups: Vec<_> = files.iter().filter(|f| f.path.contains("migrations/")).collect();
    let downs: Vec<_> = files.iter().filter(|f| f.path.contains("/down/")).collect();
    assert_eq!(ups.len(), downs.len());
    let load = |path: &str, text: &str| match db.load(text) {
        Ok(notices) => {
            let warnings: Vec<_> = notices.iter().filter(|n| n.is_warning()).collect();
            assert!(warnings.is_empty(), "{path} on {major}: {warnings:?}");
        }
        Err(error) => panic!("{path} on {major}: {error}"),
    };
    // Twice, so that a way back that leaves something is found; then seeds again, as a rerun would.
    for round in 0..2 {
        for up in &ups {
            load(&up.path, &up.contents);
        }
        if platform && split {
            let seed = ups.iter().find(|f| f.path.ends_with("_seed.sql")).unwrap();
            load(&seed.path, &seed.contents);
        }
        if round == 0 {
            behaves(&db, platform);
        }
        for down in downs.iter().rev() {
            load(&down.path, &down.contents);
        }
        // Roles stay, as the scripts say.
        let mut left = inventory(&db);
        left.retain(|object| !["role specc_editor", "role specc_member"].contains(&object.as_str()));
        assert_eq!(left, before, "round {round} on {major}");
    }
}

/// Spot checks of what the text should mean.
fn behaves(db: &Database, platform: bool) {
    let mut session = db.connect().unwrap();
    let mut one = |sql: &str| -> String {
        session
            .query_one(&format!("select ({sql})::text"), &[])
            .unwrap()
            .get::<_, Option<String>>(0)
            .unwrap_or_default()
    };
    assert_eq!(
        one("select string_agg(id || ' ' || name, ', ' order by id) from public.plans where id < 21"),
        "1 Free, 20 it's more"
    );
    assert!(one("select max(id) from public.plans where name = 'Other'").parse::<i32>().unwrap() > 20);
    assert_eq!(one("select relrowsecurity and relforcerowsecurity from pg_class where relname = 'events'"), "true");
    assert_eq!(one("has_function_privilege('specc_member', 'public.tidy()', 'execute')"), "false");
    assert_eq!(one("has_function_privilege('specc_member', 'public.headline(public.events)', 'execute')"), "true");
    assert_eq!(one("has_table_privilege('specc_member', 'public.events', 'select')"), "true");
    assert_eq!(one("has_column_privilege('specc_editor', 'public.profiles', 'favourite', 'update')"), "true");
    assert_eq!(one("has_column_privilege('specc_editor', 'public.profiles', 'id', 'update')"), "false");
    assert_eq!(one("pg_get_serial_sequence('public.invoices', 'number')"), "public.invoice_number");
    assert_eq!(one("select obj_description('public.events'::regclass)"), "something to go to");
    if platform {
        assert_eq!(one("has_table_privilege('anon', 'public.scratch', 'truncate')"), "false");
        assert_eq!(one("select count(*) from storage.buckets where public"), "1");
    }
    session
        .batch_execute("insert into public.invoices default values; insert into public.invoices default values")
        .unwrap();
    let last: String = session.query_one("select max(reference) from public.invoices", &[]).unwrap().get(0);
    assert_eq!(last, "INV-2");
}

#[test]
fn on_15() {
    up_and_down(15, true, true);
}

#[test]
fn on_15_plain_in_one_file() {
    up_and_down(15, false, false);
}

#[test]
fn on_18() {
    up_and_down(18, true, true);
}

#[test]
fn on_18_plain_in_one_file() {
    up_and_down(18, false, false);
}
