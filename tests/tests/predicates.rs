//! Predicates with parameters, as several viewers: a parameter is bound, whatever it is called and wherever it is read.

use specc_tests::access::{Who, matrix, sql};
use specc_tests::build::{findings, project};
use specc_tests::{Rows, VERSIONS};

/// The members of an account have a column `what`, as the predicates have a parameter.
const SPEC: &str = r"
viewer -> auth.users

enum permission { read, 'invites.manage', billing }

entity accounts {  accept W0604 'asked through predicates only'
  id: uuid key
}
entity roles {  accept W0604 'asked through predicates only'
  id: int key
  permissions: permission[]
}
entity members {  accept W0604 'asked through predicates only'
  account_id -> accounts
  user_id    -> auth.users
  role_id    -> roles
  what: permission
  note: text
  key (account_id, user_id)
}

predicate may(a: accounts, what: permission) = exists a.members (user_id = viewer and what = any (role.permissions))
predicate may_both(what: permission, a: accounts, other: permission) = may(a, what) and may(a, other)
predicate noted(a: accounts, what: text)     = exists a.members (user_id = viewer and note = what)
predicate over(n: numeric, most: bigint)     = n / 2 > most

entity invites {
  id: int key
  account_id -> accounts
  need: permission
  policy {
    managers_write: allow update, delete to authenticated when may(account, 'invites.manage')
    who_may_reads: allow select to authenticated when may(account, need)  accept W0605 'each row says what it needs'
  }
}
entity bills {
  id: int key
  account_id -> accounts
  size: int
  policy {
    payers: allow select to authenticated when may_both('billing', account, 'read')
    noted: allow select to authenticated when noted(account, 'it''s ' || 'noted')
    halves: allow select to authenticated when over(size, 1) and noted(account, 'half')
  }
}
";

const ROWS: &str = "
insert into auth.users (id) values ({ana}), ({ben}), ({col}), ({dora});
insert into accounts values ({acme}), ({globex});
insert into roles values (1, '{read,invites.manage}'), (2, '{read,billing}'), (3, '{}');
insert into members values ({acme}, {ana}, 1, 'billing', 'x'), ({acme}, {ben}, 2, 'invites.manage', 'it''s noted'),
  ({globex}, {ana}, 3, 'invites.manage', 'half'), ({acme}, {col}, 3, 'read', 'read');
insert into invites values (1, {acme}, 'read'), (2, {acme}, 'billing'), (3, {globex}, 'read');
insert into bills values (1, {acme}, 1), (2, {globex}, 2), (3, {globex}, 3);
";

#[test]
fn values_are_bound_for_each_viewer() {
    let built = project(SPEC);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().expect("a session");
        owner.batch_execute(&sql(ROWS)).expect("rows");
        let people = [Who::User("ana"), Who::User("ben"), Who::User("col"), Who::User("dora"), Who::Anon];
        matrix(
            &mut owner,
            people,
            &[
                // in acme ana reads and manages invites, ben reads and sees bills; col has a role without anything
                ("select id from invites", ["1", "1 2", "-", "=", "42501"]),
                ("update invites set need = need", ["1", "0", "=", "=", "42501"]),
                ("delete from invites", ["2", "0", "=", "=", "42501"]),
                // 2 / 2 is not over 1; 3 / 2 is, and would not be as whole numbers
                ("select id from bills", ["3", "1", "-", "=", "42501"]),
            ],
        );
    }
}

#[test]
fn a_value_is_read_as_its_parameter() {
    let all: String = project(SPEC).migrations().into_iter().map(|(_, text)| text).collect();
    for wanted in [
        "'invites.manage'::public.permission = any((select role.permissions from",
        "members.note = 'it''s ' || 'noted'",
        "size::numeric / 2 > 1::bigint",
    ] {
        assert!(all.contains(wanted), "{wanted}\n{all}");
    }
}

#[test]
fn what_cannot_be_passed_is_said() {
    let with = |rule: &str| {
        let text = SPEC.replace("may(account, 'invites.manage')", rule);
        assert_ne!(text, SPEC);
        findings(&text)
    };
    for (rule, code, words) in [
        ("may(account, 'invites.mange')", "E0108", "invites.mange"),
        ("may(account, 1)", "E0201", "expected `permission`, found `int`"),
        ("may('read', account)", "E0205", "takes a row of `accounts`"),
        ("may(account, account)", "E0102", "is a relation to `accounts`"),
        ("may(account)", "E0205", "takes 2 arguments and gets 1"),
        ("over(need, 1)", "E0201", "expected `numeric`"),
        ("over(case when may(account, need) then 1 else 0 end, 1)", "E0207", "cannot use a predicate"),
    ] {
        let found = with(rule);
        assert!(found.iter().any(|(c, m)| c == code && m.contains(words)), "{rule}: {found:?}");
    }
}

/// Who is banned from a room is not shown that; a rule that asks with the rights of who asks lets her in.
const BANS: &str = r"
viewer -> auth.users

entity bans {
  id: int key
  room_id -> rooms
  user_id -> auth.users
  by_id   -> auth.users as banned_by inverse banned
  policy { wardens: allow select to authenticated when by_id = viewer }
}
entity rooms {
  id: int key
  policy {
    guests: allow select to authenticated when RULE
  }
}
predicate banned(r: rooms) = exists (select 1 from bans b where b.room_id = r.id and b.user_id = viewer)
";

#[test]
fn a_plain_query_that_is_negated_opens_where_rows_are_hidden() {
    let with = |rule: &str| BANS.replace("RULE", rule);
    let plain = "not exists (select 1 from bans b where b.room_id = this.id and b.user_id = viewer)";
    let path = "not exists bans (user_id = viewer)";
    for (rule, is_said) in [
        (plain, true),
        ("not banned(this)", true),
        ("id not in (select b.room_id from bans b where b.user_id = viewer)", true),
        ("id <> all (select b.room_id from bans b where b.user_id = viewer)", true),
        ("(banned(this)) is not true and id > 0", true),
        ("exists (select 1 from auth.users u where not exists (select 1 from bans b where b.room_id = this.id))", true),
        ("banned(this)", false),
        ("not (not banned(this))", false),
        (path, false),
    ] {
        let found = findings(&with(rule));
        let said = found.iter().any(|(code, message)| code == "W0615" && message.contains("`bans`"));
        assert_eq!(said, is_said, "{rule}: {found:?}");
        assert!(found.iter().all(|(code, _)| !code.starts_with('E')), "{rule}: {found:?}");
    }
    let narrowed = with(path).replace("    guests", "    banned_stay_out: forbid select when banned(this)\n    guests");
    let found = findings(&narrowed);
    assert!(found.iter().any(|(code, message)| code == "W0615" && message.contains("`banned_stay_out`")), "{found:?}");
    let wardens = "wardens: allow select to authenticated when by_id = viewer";
    let shown = with(plain).replace(wardens, "everyone: allow select to authenticated");
    let found = findings(&shown);
    assert!(found.iter().all(|(code, _)| code != "W0615"), "{found:?}");

    let rows = "insert into auth.users (id) values ({ana}), ({ben}); insert into rooms values (1), (2);
        insert into bans values (1, 1, {ana}, {ben})";
    for (rule, seen) in [(plain, "1 2"), (path, "2")] {
        let built = project(&with(rule));
        for major in VERSIONS {
            let db = built.database(major, Rows::Base);
            let mut owner = db.connect().expect("a session");
            owner.batch_execute(&sql(rows)).expect("rows");
            // ben, who banned her, is banned from nothing
            let people = [Who::User("ana"), Who::User("ben")];
            matrix(&mut owner, people, &[("select id from rooms", [seen, "1 2"]), ("select id from bans", ["-", "1"])]);
        }
    }
}
