//! What `specc test` tries beside rules: constraints, workflows, what is kept, limits. Each suite fails on a database in
//! which one thing is missing that the spec says.

#![allow(clippy::disallowed_methods)]

use crate::program::run;
use crate::tried::{project, specs};

const SHOP: &str = "
extension btree_gist
enum stage { draft, open, closed, gone }
domain percent: int { check percent_range: value between 0 and 100 }

entity shops {
  id:      uuid = gen_random_uuid()  key
  slug:    text
  seats:   int = 2
  orders_open: int = count(orders where stage = 'open')
  turnover:    numeric(12, 2) = sum(orders.amount)
  unique shops_slug: (slug)
  check slug_shape: slug ~ '^[a-z]+-[0-9]+$'
  check seats_range: seats between 1 and 9
}

entity owners {
  id:    uuid = gen_random_uuid()  key
  email: text
  unique owners_email: (lower(email))
}

entity orders {
  use soft_delete, timestamps, versioned
  id:       uuid = gen_random_uuid()  key
  shop_id   -> shops   on delete cascade   immutable
  owner_id  -> owners? on delete set null
  stage:    stage = 'draft'
  amount:   numeric(12, 2) = 10
  discount: percent = 0
  code:     text?
  note:     text
  starts:   timestamptz
  ends:     timestamptz?
  paid_at:  timestamptz?
  unique orders_code: (shop_id, code) nulls not distinct
  unique orders_live: (shop_id, note) where stage = 'open'
  check amount_positive: amount > 0
  check note_length: length(note) <= 40
  check in_order: ends > starts
  check paid_when_closed: stage <> 'closed' or paid_at is not null
  limit open_orders: stage = 'open' per shop_id to shop.seats
  workflow stage {
    -> draft
    draft  -> open, gone
    open   -> closed when paid_at is not null
    open   -> gone
  }
}

entity bookings {
  id:      uuid = gen_random_uuid()  key
  shop_id  -> shops  on delete restrict
  room:    int
  during:  tstzrange
  exclude no_overlap: using gist (room with =, during with &&)
}
";

/// The spec with a statement that takes something away behind its back.
fn without(sql: &str) -> String {
    format!("{SHOP}\nsql behind\n  depends on shops, owners, orders, bookings, percent\n$$\n{sql}\n$$\n")
}

#[test]
fn what_the_spec_says_of_rows_is_what_postgres_does() {
    let dir = project(SHOP);
    for major in ["15", "18"] {
        let (code, out, said) = run(dir.path(), &["test", "--postgres", major, "--all"]);
        assert_eq!(code, 0, "{out}{said}");
        assert!(said.contains(", 0 failed"), "{said}");
        for one in ["check `paid_when_closed`", "unique `orders_live`", "exclude `no_overlap`", "domain of `discount`"]
        {
            assert!(out.contains(one), "{one}: {out}");
        }
    }
    let (code, out, said) = run(dir.path(), &["test", "--mutants"]);
    assert_eq!(code, 0, "{out}{said}");
    assert!(!out.contains("NOT SEEN"), "{out}{said}");
}

#[test]
fn a_promise_that_is_not_kept_fails_the_tests() {
    let drop = |table: &str, name: &str| format!("alter table public.{table} drop constraint {name};");
    let off = |table: &str, name: &str| format!("alter table public.{table} disable trigger {name};");
    let gone = [
        (drop("shops", "slug_shape"), "check `slug_shape`"),
        (drop("shops", "seats_range"), "check `seats_range`"),
        (drop("orders", "amount_positive"), "check `amount_positive`"),
        (drop("orders", "note_length"), "check `note_length`"),
        (drop("orders", "in_order"), "check `in_order`"),
        (drop("orders", "paid_when_closed"), "check `paid_when_closed`"),
        (drop("orders", "orders_code"), "unique `orders_code`"),
        (drop("bookings", "no_overlap"), "exclude `no_overlap`"),
        (drop("bookings", "bookings_pkey"), "unique `bookings_pkey`"),
        (drop("orders", "orders_owner_id_fkey"), "reference `orders_owner_id_fkey`"),
        ("drop index public.orders_live;".to_owned(), "unique `orders_live`"),
        ("drop index public.owners_email;".to_owned(), "unique `owners_email`"),
        ("alter domain public.percent drop constraint percent_range;".to_owned(), "domain of `discount`"),
        ("alter table public.orders alter column note drop not null;".to_owned(), "`note` is null"),
        ("alter table public.orders alter column amount set default 9;".to_owned(), "default of `amount`"),
        (
            "alter table public.orders drop constraint orders_shop_id_fkey, add constraint orders_shop_id_fkey \
             foreign key (shop_id) references public.shops (id);"
                .to_owned(),
            "on delete cascade",
        ),
        (
            "alter table public.orders drop constraint amount_positive, add constraint amount_positive \
             check (amount >= 0);"
                .to_owned(),
            "check `amount_positive`",
        ),
        (
            "alter table public.shops drop constraint seats_range, add constraint seats_range check (seats between 1 and 8);"
                .to_owned(),
            "the first row",
        ),
        (off("orders", "zz_workflow_stage"), "open -> draft"),
        (off("orders", "zz_workflow_stage_start"), "does not begin as open"),
        (off("orders", "zz_refuse_change"), "`shop_id` is immutable"),
        (off("orders", "soft_delete"), "soft_delete"),
        (off("orders", "next_version"), "versioned"),
        (off("orders", "set_updated_at"), "timestamps"),
        (off("orders", "zz_limit_open_orders_inserted"), "limit `open_orders`"),
        (off("shops", "zz_kept"), "`turnover` is not set by hand"),
    ];
    for (sql, what) in gone {
        let dir = project(&without(&sql));
        let table = ["orders", "bookings", "owners", "shops"].into_iter().find(|table| sql.contains(*table));
        let filter = table.unwrap_or("orders");
        let (code, out, said) = run(dir.path(), &["test", "--filter", filter]);
        assert_eq!(code, 1, "{sql}: {out}{said}");
        let seen = out.lines().any(|line| line.starts_with("FAILED ") && line.contains(what));
        assert!(seen && out.contains("    rule:     a.dbspec:"), "{sql}: {what}: {out}");
    }
}

/// The tests of what the spec says beside rules run by themselves too, and fail where it is not so.
#[test]
fn promises_run_as_pgtap() {
    let dir = project(SHOP);
    let folder = dir.path().join("supabase/tests");
    let (code, out, said) = run(dir.path(), &["test", "--pgtap", "supabase/tests"]);
    assert_eq!((code, out.as_str()), (0, ""), "{said}");
    let (code, _, said) = run(dir.path(), &["build", "--stamp", "20260101000000"]);
    assert_eq!(code, 0, "{said}");
    for major in [15, 18] {
        let (db, _) = crate::tap::database(dir.path(), major);
        let mut owner = db.connect().expect("a session");
        let mut lines = |table: &str| crate::tap::lines(&mut owner, &folder.join(format!("{table}.test.sql")));
        let mut ran = 0;
        for table in ["bookings", "orders", "owners", "shops"] {
            let said = lines(table);
            let (plan, said) = said.split_first().expect("a plan");
            assert_eq!(plan, &format!("1..{}", said.len()), "{table}");
            let wrong: Vec<&String> = said.iter().filter(|line| line.starts_with("not ok")).collect();
            assert!(wrong.is_empty(), "{table} on {major}: {wrong:#?}");
            ran += said.len();
        }
        assert!(ran > 250, "{ran}");
        let gone = [
            ("alter table public.orders drop constraint in_order", "orders", "check `in_order`"),
            ("alter table public.orders disable trigger zz_workflow_stage", "orders", "closed -> draft"),
            ("alter table public.bookings drop constraint no_overlap", "bookings", "exclude `no_overlap`"),
        ];
        for (sql, table, what) in gone {
            db.connect().expect("a session").batch_execute(sql).expect("it is dropped");
            let said = lines(table);
            assert!(said.iter().any(|line| line.starts_with("not ok") && line.contains(what)), "{sql}: {said:#?}");
        }
    }
}

#[test]
fn findings_are_for_reviewers_too() {
    let dir = project(&without("alter table public.shops drop constraint slug_shape;"));
    let (code, out, said) = run(dir.path(), &["test", "--format", "sarif", "--filter", "shops"]);
    assert_eq!(code, 1, "{said}");
    let found: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let results = found["runs"][0]["results"].as_array().expect("results");
    let at = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(at["artifactLocation"]["uri"], "a.dbspec");
    assert!(results[0]["message"]["text"].as_str().is_some_and(|text| text.contains("slug_shape")), "{out}");
    let index = results[0]["ruleIndex"].as_u64().expect("a rule") as usize;
    assert_eq!(found["runs"][0]["tool"]["driver"]["rules"][index]["id"], "test/constraints");
}

#[test]
fn the_specs_of_this_repository_keep_what_they_say() {
    for spec in ["starter", "srvc_crm", "automation_platform"] {
        let (code, out, said) = run(&specs(), &["test", "-C", spec]);
        assert_eq!(code, 0, "{spec}: {out}{said}");
    }
}

/// What two sessions do at once is tried too, and a limit or a counter that does not lock fails.
#[test]
fn two_at_once_are_tried() {
    let dir = project(SHOP);
    let (code, out, said) = run(dir.path(), &["test", "--format", "json", "--filter", "orders"]);
    assert_eq!(code, 0, "{said}");
    let found: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let tests = found["tests"].as_array().expect("tests").iter().filter(|one| one["suite"] == "together");
    let tried: Vec<&str> = tests.filter_map(|one| one["what"].as_str()).collect();
    for one in ["limit `open_orders`: ", "unique `orders_live`: ", "workflow `stage`: open -> closed", "versioned: "] {
        assert!(tried.iter().any(|what| what.starts_with(one)), "{one}: {tried:?}");
    }
    // Who counts without a lock lets both in: each sees its own row alone.
    let unlocked = "create function private.unlocked() returns trigger language plpgsql as $f$ begin
  if (select count(*) from public.orders o join public.shops s on s.id = o.shop_id where s.id = new.shop_id
      and o.stage = 'open') > (select seats from public.shops where id = new.shop_id) then
    raise exception 'full' using errcode = 'check_violation', constraint = 'open_orders';
  end if;
  return null;
end $f$;
drop trigger zz_limit_open_orders_inserted on public.orders;
alter table public.orders disable trigger user;
create trigger zz_limit_open_orders_inserted after insert on public.orders for each row execute function private.unlocked();";
    let dir = project(&without(&unlocked.replace("$f$", "$unlocked$")));
    let (code, out, said) = run(dir.path(), &["test", "--filter", "orders"]);
    assert_eq!(code, 1, "{out}{said}");
    let failed: Vec<&str> = out.lines().filter(|line| line.starts_with("FAILED ")).collect();
    assert!(failed.iter().any(|line| line.contains("limit `open_orders`: two at once")), "{failed:#?}");
    assert!(!failed.iter().any(|line| line.contains("limit `open_orders`: one more")), "{failed:#?}");
}
