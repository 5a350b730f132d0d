//! What a client does by other means than a statement of hers: from triggers of her own on temporary tables, by settings
//! that triggers of ours ask, by functions of her own in a filter. Each runs as the role named, on every version.

#![allow(clippy::unwrap_used)]

use specc_postgres::Session;
use specc_tests::stage::run;
use specc_tests::{Rows, VERSIONS, Who, project, sql, texts};

/// A statement that a trigger makes when a row comes into a temporary table.
fn from_a_trigger(statement: &str) -> String {
    format!(
        "create temporary table mine (said text);
         create function pg_temp.says() returns trigger language plpgsql as
           $f$ begin execute new.said; return null; end $f$;
         create trigger says after insert on mine for each row execute function pg_temp.says();
         insert into mine values ($s${statement}$s$);"
    )
}

/// A statement after which a query has to give what is wanted.
fn then(statement: &str, query: &str, wanted: &str) -> String {
    format!(
        "{statement}; do $d$ begin
           if ({query})::text is distinct from '{wanted}' then
             raise exception 'it is %', ({query})::text;
           end if;
         end $d$"
    )
}

const CARTS: &str = "
entity profiles {
  id -> auth.users  key as account on delete cascade
  policy { own: allow select to authenticated when id = viewer }
}
viewer -> profiles
entity carts {
  id: int key
  owner_id -> profiles on delete cascade
  code: text unique
  lines: int = count(cart_lines)
  ever: int = count(cart_lines including deleted)
  policy { own: allow all to authenticated when owner_id = viewer }
}
entity cart_lines {
  id: int key
  cart_id -> carts on delete cascade
  amount: int = 1
  use soft_delete
  policy { own: allow all to authenticated when cart.owner_id = viewer }
}
entity labels {
  id: int key
  cart_code -> carts (code) as by_code on update cascade immutable
  helper_id -> profiles? immutable on delete set null
  owner_id -> profiles as owner on delete cascade
  policy { own: allow all to authenticated when owner_id = viewer }
}
";

const CART_ROWS: &str = "
insert into auth.users (id) values ({ana}), ({eve});
insert into profiles (id) values ({ana}), ({eve});
insert into carts (id, owner_id, code) values (1, {ana}, 'a'), (2, {eve}, 'e'), (3, {ana}, 'b');
insert into cart_lines (id, cart_id) values (1, 1), (2, 1);
insert into labels values (1, 'a', {eve}, {ana});
";

/// What triggers of ours let through because it follows from something else is not hers when she has a trigger as well.
#[test]
fn a_trigger_of_ones_own_is_no_foreign_key() {
    let built = project(CARTS);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(&mut owner, "rows", &sql(CART_ROWS));
        let ever = "select lines || ' ' || ever from carts where id = 1";
        let statements = [
            from_a_trigger("update carts set lines = 0 where id = 1"),
            from_a_trigger("update labels set cart_code = 'b'"),
            from_a_trigger("update labels set helper_id = null"),
            // It is marked, and stays.
            then(&from_a_trigger("delete from cart_lines where id = 1"), ever, "1 2"),
            then("delete from cart_lines where id = 1", ever, "1 2"),
            // What she has not to say follows.
            then("update carts set code = 'z' where id = 1", "select cart_code from labels", "z"),
            then(&from_a_trigger("update carts set code = 'z' where id = 1"), "select cart_code from labels", "z"),
        ];
        let told = Who::User("ana").is_told(&mut owner, &statements);
        let codes: Vec<_> = told.iter().map(|told| told.split(' ').next().unwrap()).collect();
        assert_eq!(codes, ["23514", "23514", "23514", "done", "done", "done", "done"], "{major}: {told:#?}");
        // A foreign key still deletes what is below, and empties what referred to it.
        run(&mut owner, "eve goes", &sql("delete from auth.users where id = {eve}"));
        assert_eq!(texts(&mut owner, "select helper_id is null from labels"), ["t"], "{major}");
        run(&mut owner, "ana goes", &sql("delete from labels; delete from auth.users where id = {ana}"));
        assert_eq!(texts(&mut owner, "select count(*) from cart_lines"), ["0"], "{major}");
    }
}

const NOTES: &str = "
entity profiles {
  id -> auth.users  key as account on delete cascade
  name: text = 'x' pii
  policy { own: allow select to authenticated when id = viewer }
}
viewer -> profiles
person profiles
entity boards {
  id: int key
  owner_id -> profiles on delete cascade
  code: text = 'a' immutable
  policy { own: allow all to authenticated when owner_id = viewer }
}
entity notes {
  id: int key
  board_id -> boards on delete cascade
  made_at: timestamptz = now()
  text: text? pii
  use append_only
  retain 1 year from made_at
  index (made_at)
  policy { own: allow all to authenticated when board.owner_id = viewer }
}
function recode(p_board: int) -> void security definer to authenticated as $$
  update public.boards set code = 'b' where id = p_board
$$
";

/// Whoever sets what the functions of erasure set has not called one of them.
#[test]
fn nobody_else_erases() {
    let built = project(NOTES);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "rows",
            &sql(
                "insert into auth.users (id) values ({ana}); insert into profiles (id) values ({ana});
                  insert into boards (id, owner_id) values (1, {ana});
                  insert into notes (id, board_id, made_at, text) values (1, 1, now(), 'n'), (2, 1, '2020-01-01', 'o')",
            ),
        );
        let attacks =
            ["delete from boards where id = 1", "select recode(1)", "delete from notes", "update notes set text = ''"];
        let forged = attacks.into_iter().map(|attack| format!("set local specc.erasing = on; {attack}"));
        let told = Who::User("ana").is_told(&mut owner, &forged.collect::<Vec<_>>());
        let done: Vec<_> = told.iter().filter(|told| *told == "done").collect();
        assert!(done.is_empty(), "{major}: {told:#?}");
        // The service may erase, and the same transaction is as any other afterwards.
        let erase = sql("select private.erase_person({ana})");
        let statements = [
            then(&erase, "select count(*) from notes where text is null", "2"),
            format!("{erase}; set local specc.erasing = on; delete from boards where id = 1"),
        ];
        let told = Who::Service.is_told(&mut owner, &statements);
        assert_eq!(told[0], "done", "{major}");
        assert!(told[1].starts_with("42501"), "{major}: {told:?}");
        assert_eq!(texts(&mut owner, "select private.retain_notes()"), ["1"], "{major}");
    }
}

const PAGES: &str = "
entity profiles {
  id -> auth.users  key as account on delete cascade
  policy { own: allow select to authenticated when id = viewer }
}
viewer -> profiles
entity pages {
  id: int key
  title: text
  open: boolean = false
}
entity comments {
  id: int key
  page_id -> pages on delete cascade
  owner_id -> profiles on delete cascade
  text: text = ''
  note: text = ''
  policy {
    own: allow all to authenticated when owner_id = viewer
    open: allow select to authenticated when page.open
    calm: forbid update (note) unless page.open
  }
}
view filtered security definer to authenticated as $$ select id, title from pages where open $$
view joined security definer to authenticated as $$
  select p.id, p.title from pages p join comments c on c.page_id = p.id where c.owner_id = auth.uid()
$$
view first security definer to authenticated as $$ select id, title from pages order by id limit 1 $$
view grouped security definer to authenticated as $$ select title from pages group by title having bool_and(open) $$
view either security definer to authenticated as $$ select id, title from pages where open union all select 0, 'x' $$
view named security definer to authenticated as $$ with p as (select * from pages where open) select id, title from p $$
view inner_one security definer to authenticated as $$ select id, title from (select * from pages where open) p $$
view whole security definer to authenticated as $$ select id, left(title, 1) as title from pages $$
";

/// A view that leaves rows out leaves them out before a function of whoever reads it sees them.
#[test]
fn a_filter_of_ones_own_sees_no_row_that_a_view_leaves_out() {
    let built = project(PAGES);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        let rows =
            "insert into auth.users (id) values ({ana}), ({eve}); insert into profiles (id) values ({ana}), ({eve});
             insert into pages values (1, 'one', true), (2, 'secret', false), (3, 'secret too', false);
             insert into comments values (1, 1, {ana}), (2, 2, {ana});";
        run(&mut owner, "rows", &sql(rows));
        let views = ["filtered", "joined", "first", "grouped", "either", "named", "inner_one"];
        let leak = "create function pg_temp.told(t text) returns boolean language plpgsql cost 0.0001 as
             $f$ begin if t like 'secret%' then raise exception 'it is %', t; end if; return true; end $f$;";
        let keep =
            |view: &str, filter: &str| format!("create temporary table kept as select * from {view} where {filter}");
        let statements: Vec<String> = views
            .iter()
            .flat_map(|view| {
                let by_error = "title <> 'one' and title <> 'x' and title::int = 1";
                [format!("{leak} {}", keep(view, "pg_temp.told(title)")), keep(view, by_error)]
            })
            .collect();
        let told = Who::User("eve").is_told(&mut owner, &statements);
        let wrong: Vec<_> = statements.iter().zip(&told).filter(|(_, told)| *told != "done").collect();
        assert!(wrong.is_empty(), "{major}: {wrong:#?}");
        assert_eq!(
            Who::User("eve").tries(&mut owner, &["select title from whole where id = 2".to_owned()]),
            ["s"],
            "{major}"
        );
        let barriers = "select count(*) from pg_class where relkind = 'v' and reloptions @> '{security_barrier=true}'
             and relname <> 'whole' and relnamespace in ('public'::regnamespace, 'private'::regnamespace)";
        assert_eq!(texts(&mut owner, barriers), ["8"], "{major}");
    }
}

/// What rules ask of tables that she does not see cannot be asked by herself, also where a trigger asks it when she writes.
#[test]
fn helpers_answer_only_to_rules() {
    let built = project(PAGES);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        let rows =
            "insert into auth.users (id) values ({ana}), ({eve}); insert into profiles (id) values ({ana}), ({eve});
             insert into pages values (1, 'one', true), (2, 'secret', false);
             insert into comments values (1, 1, {ana}), (2, 2, {ana});";
        run(&mut owner, "rows", &sql(rows));
        no_helper_answers(&mut owner, major);
        let changes = [1, 2].map(|id| format!("update comments set note = 'n' where id = {id}"));
        let told = Who::User("ana").is_told(&mut owner, &changes);
        assert_eq!(told[0], "done", "{major}");
        assert!(told[1].starts_with("42501 comments.note cannot be changed: rule calm closes it"), "{major}: {told:?}");
        let told = Who::User("ana").is_told(&mut owner, &["update comments set text = 'n'".to_owned()]);
        assert_eq!(told[0], "done", "{major}");
        assert_eq!(Who::Service.tries(&mut owner, &changes), ["1", "1"], "{major}");
        assert_eq!(Who::User("eve").tries(&mut owner, &changes), ["0", "0"], "{major}");
    }
}

/// Clients are refused each view and function of the helper schema.
fn no_helper_answers(owner: &mut Session, major: u32) {
    let helpers = "select 'select * from ' || oid::regclass from pg_class where relkind = 'v' and relnamespace = 'private'::regnamespace
         union all
         select 'select ' || oid::regproc || '(' || array_to_string(array_fill('null'::text, array[pronargs]), ', ') || ')'
           from pg_proc where pronamespace = 'private'::regnamespace and prorettype <> 'trigger'::regtype";
    let asks = texts(owner, helpers);
    assert!(asks.len() > 2, "{major}: {asks:?}");
    for who in [Who::User("ana"), Who::Anon] {
        let told = who.is_told(owner, &asks);
        assert!(told.iter().all(|told| told.starts_with("42501")), "{major}: {told:#?}");
    }
}

const ASKING: &str = "
function asked() -> uuid stable to anon, authenticated as $$ select private.viewer_id() $$
function told() -> text stable language plpgsql to anon, authenticated as $$
begin return private.claims() ->> 'role'; end
$$
entity tasks {
  id: int key
  owner_id -> profiles on delete cascade
  state: text = 'open'
  workflow state {
    open -> done when owner_id = viewer
  }
  policy { all: allow all to authenticated when true }
}
";

/// Bodies that clients run ask who is asking by functions that stand by themselves: clients use no schema in which something
/// else is, and what rules ask stays out of their reach.
#[test]
fn bodies_that_ask_who_is_asking_open_no_helper() {
    let built = project(&format!("{PAGES}{ASKING}"));
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        let rows =
            "insert into auth.users (id) values ({ana}), ({eve}); insert into profiles (id) values ({ana}), ({eve});
             insert into tasks values (1, {ana}), (2, {ana});";
        run(&mut owner, "rows", &sql(rows));
        no_helper_answers(&mut owner, major);
        let own = ["select asked()", "select told()"].map(str::to_owned);
        assert_eq!(
            Who::User("ana").tries(&mut owner, &own),
            [sql("{ana}").trim_matches('\''), "authenticated"],
            "{major}"
        );
        assert_eq!(Who::Anon.tries(&mut owner, &own[..1]), ["-"], "{major}");
        // Nothing else is where clients may look.
        let there = "select string_agg(proname, ' ' order by proname) from pg_proc
             where pronamespace = 'private_session'::regnamespace";
        assert_eq!(texts(&mut owner, there), ["claims viewer_id"], "{major}");
        let step = ["update tasks set state = 'done' where id = 1".to_owned()];
        assert_eq!(Who::User("ana").is_told(&mut owner, &step), ["done"], "{major}");
        assert!(Who::User("eve").is_told(&mut owner, &step)[0].starts_with("23514"), "{major}");
    }
}

/// Rules that look at a row with more columns than a function takes values.
fn wide(computed: &str) -> String {
    let columns: String = (0..60).map(|n| format!("  c{n}: int = 0\n")).collect();
    format!(
        "
entity profiles {{
  id -> auth.users  key as account on delete cascade
  policy {{ own: allow select to authenticated when id = viewer }}
}}
viewer -> profiles
entity trusts {{
  id: int key
  profile_id -> profiles
  note: int = 1
}}
entity wide {{
  id: int key
  owner_id -> profiles
{columns}{computed}
  policy {{
    own: allow select to authenticated when owner_id = viewer
    may: allow update (c0) to authenticated when may(this) and exists owner.trusts (note = 1)
    all: allow update (c1) to authenticated when owner_id = viewer
  }}
}}
function may(w: wide) -> boolean stable to authenticated as $$ select w.c59 < 5 $$
"
    )
}

#[test]
fn a_guard_takes_rows_of_any_width() {
    for computed in ["", "  half: int generated (c0 / 2)\n"] {
        let built = project(&wide(computed));
        for major in VERSIONS {
            let db = built.database(major, Rows::Base);
            let mut owner = db.connect().unwrap();
            let rows =
                "insert into auth.users (id) values ({ana}), ({eve}); insert into profiles (id) values ({ana}), ({eve});
                 insert into trusts values (1, {ana});
                 insert into wide (id, owner_id, c59) values (1, {ana}, 0), (2, {ana}, 9), (3, {eve}, 0);";
            run(&mut owner, "rows", &sql(rows));
            let change = |column: &str, id: u32| format!("update wide set {column} = 7 where id = {id}");
            let told = |owner: &mut _, who: Who, column, id| {
                let told = who.is_told(owner, &[change(column, id)]);
                told[0].split(' ').next().unwrap().to_owned()
            };
            assert_eq!(told(&mut owner, Who::User("ana"), "c0", 1), "done", "{major}");
            assert_eq!(told(&mut owner, Who::User("ana"), "c0", 2), "42501", "{major}");
            assert_eq!(told(&mut owner, Who::User("ana"), "c1", 2), "done", "{major}");
            assert_eq!(told(&mut owner, Who::User("eve"), "c0", 3), "42501", "{major}");
        }
    }
}
