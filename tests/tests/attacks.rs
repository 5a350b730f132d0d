//! What a rule must not open: rows of others through a name that is captured, and what is gone through a path to it.
//! Each attack runs as the role named, on every version.

#![allow(clippy::unwrap_used)]

use specc_tests::access::matrix;
use specc_tests::stage::run;
use specc_tests::{Rows, VERSIONS, Who, findings, project, sql};

const EVERYONE: [Who; 2] = [Who::User("ana"), Who::User("eve")];

fn attacked(spec: &str, rows: &str, attacks: &[(&str, [&str; 2])]) {
    let built = project(spec);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(&mut owner, "rows", &sql(rows));
        matrix(&mut owner, EVERYONE, attacks);
    }
}

const PEOPLE: &str = "
entity profiles {
  id -> auth.users  key as account on delete cascade
  name: text = 'x'
  policy { own: allow select to authenticated when id = viewer }
}
viewer -> profiles
";

/// Whoever owns any vault must not read every item: a row is bound, whatever stands around it has a column of its name.
#[test]
fn a_row_is_bound_in_every_subquery() {
    let mut spec = String::from(PEOPLE);
    spec.push_str(
        "entity vaults {
  code: text key
  owner_id -> profiles on delete cascade
  policy { own: allow select to authenticated when owner_id = viewer }
}
predicate mine(i: items_predicate) = exists (select 1 from vaults v where v.code = i.code and v.owner_id = viewer)
predicate deep(i: items_nested) = mine_too(i)
predicate mine_too(code: items_nested) = exists (select 1 from vaults where vaults.code = code.code and owner_id = viewer)
",
    );
    let rules = [
        ("this", "exists (select 1 from vaults v where v.code = this.code and v.owner_id = viewer)"),
        ("table", "exists (select 1 from vaults v where v.code = items_table.code and v.owner_id = viewer)"),
        ("inside", "this.code in (select v.code from vaults v where v.owner_id = viewer and v.code = this.code)"),
        ("predicate", "mine(this)"),
        ("nested", "deep(this)"),
        ("unnamed", "exists (select 1 from vaults where vaults.code = this.code and owner_id = viewer)"),
        (
            "twice",
            "exists (select 1 from vaults v where exists (select 1 from vaults w where w.code = this.code and w.owner_id = viewer and v.code = w.code))",
        ),
        (
            "joined",
            "exists (select 1 from vaults v join profiles p on p.id = v.owner_id and v.code = this.code where p.id = viewer)",
        ),
        (
            "with",
            "exists (with v as (select * from vaults where code = this.code) select 1 from v where owner_id = viewer)",
        ),
        (
            "self",
            "exists (select 1 from items_self other join vaults v on v.code = other.code where other.id = this.id and v.owner_id = viewer and v.code = this.code)",
        ),
    ];
    let mut rows = String::from(
        "insert into auth.users (id) values ({ana}), ({eve}); insert into profiles (id) values ({ana}), ({eve});
         insert into vaults values ('a', {ana}), ('e', {eve});",
    );
    let mut attacks = Vec::new();
    for (name, rule) in rules {
        let table = format!("items_{name}");
        // A table that a rule reads itself has no policy that could recurse.
        let rule = rule.replace("from items_self other", "from twins other");
        spec.push_str(&format!(
            "entity {table} {{
  id: int key
  code: text
  owner_id: uuid?
  policy {{ a: allow select to authenticated when {rule} }}
}}\n"
        ));
        rows.push_str(&format!("insert into {table} (id, code) values (1, 'a'), (2, 'e');"));
        attacks.push((format!("select code from {table}"), ["a", "e"]));
    }
    spec.push_str(
        "entity twins {\n  id: int key\n  code: text\n  rls off\n}\ngrant select on twins to authenticated\n",
    );
    rows.push_str("insert into twins values (1, 'a'), (2, 'e');");
    let attacks: Vec<(&str, [&str; 2])> = attacks.iter().map(|(sql, seen)| (sql.as_str(), *seen)).collect();
    attacked(&spec, &rows, &attacks);
}

#[test]
fn a_query_that_hides_the_guarded_row_is_refused() {
    let spec = format!(
        "{PEOPLE}entity items {{
  id: int key
  parent: int?
  policy {{ a: allow select to authenticated when exists (select 1 from items where items.id = this.parent) }}
}}"
    );
    assert!(findings(&spec).iter().any(|(code, _)| code == "E0208"), "{:?}", findings(&spec));
}

const TEAMS: &str = "
entity profiles {
  id -> auth.users  key as account on delete cascade
  role: text = 'user'
  use soft_delete
  policy { own: allow select to authenticated when id = viewer }
}
viewer -> profiles
predicate is_admin = viewer.role = 'admin'
predicate belongs(t: teams) = exists t.members (user_id = viewer)

entity teams {
  id: int key
  people: int = count(members)
  ever: int = count(members including deleted)
  work: int = sum(members.hours where role = 'owner')
  use soft_delete
  policy {
    see: allow select to authenticated when exists members (user_id = viewer)
    root: allow select, delete to authenticated when is_admin
  }
}
entity members {
  id: int key
  team_id -> teams on delete cascade
  user_id -> profiles on delete cascade
  role: text = 'member'
  hours: int = 1
  use soft_delete
  limit few: role = 'owner' per team_id to 1
  policy {
    see: allow select to authenticated when exists team.members (user_id = viewer)
    remove: allow delete to authenticated when exists team.members (user_id = viewer and role = 'owner')
  }
}
entity plans {
  id: int key
  team_id -> teams on delete cascade
  policy {
    see: allow select to authenticated when exists team.members (user_id = viewer)
    change: allow update to authenticated when belongs(team)
  }
}
entity lists {
  id: int key
  team_id -> teams on delete cascade
  policy {
    raw: allow select to authenticated when exists (select 1 from members m where m.team_id = this.team_id and m.user_id = viewer and m.role = 'owner')
    past: allow update to authenticated when exists team.members including deleted (user_id = viewer)
  }
}
entity reports {
  id: int key
  policy { admins: allow select to authenticated when is_admin }
}
";

const TEAM_ROWS: &str = "
insert into auth.users (id) values ({ana}), ({eve});
insert into profiles (id, role) values ({ana}, 'user'), ({eve}, 'admin');
insert into teams (id) values (1), (2);
insert into members (id, team_id, user_id, role) values (1, 1, {ana}, 'owner'), (2, 1, {eve}, 'member'), (3, 2, {ana}, 'owner'), (4, 2, {eve}, 'member');
insert into plans values (1, 1), (2, 2);
insert into lists values (1, 1), (2, 2);
insert into reports values (1);
";

#[test]
fn whoever_was_removed_is_met_on_no_path() {
    let asks = [
        "select id from plans",
        "update plans set id = id where id = 1",
        "select id from lists",
        "select id from reports",
        "update lists set id = id where id = 1",
        "select people from teams where id = 1",
        "select ever from teams where id = 1",
    ];
    let built = project(TEAMS);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(&mut owner, "rows", &sql(TEAM_ROWS));
        let before = [["1 2", "1 2"], ["1", "1"], ["1 2", "-"], ["-", "1"], ["1", "0"], ["2", "2"], ["2", "2"]];
        let cases: Vec<_> = asks.into_iter().zip(before).collect();
        matrix(&mut owner, EVERYONE, &cases);

        // Eve is taken out of team 1, team 2 is deleted, and Eve's profile with it.
        run(
            &mut owner,
            "removals",
            &sql(
                "update members set deleted_at = now() where id = 2; update teams set deleted_at = now() where id = 2; update profiles set deleted_at = now() where id = {eve}",
            ),
        );
        let after = [["1", "-"], ["1", "0"], ["1", "-"], ["-", "-"], ["1", "0"], ["1", "-"], ["2", "-"]];
        let cases: Vec<_> = asks.into_iter().zip(after).collect();
        matrix(&mut owner, EVERYONE, &cases);

        // A place that a removed owner had is free, and the sum follows.
        run(&mut owner, "the owner goes", "update members set deleted_at = now() where id = 1");
        run(
            &mut owner,
            "another comes",
            &sql("insert into members (id, team_id, user_id, role, hours) values (5, 1, {eve}, 'owner', 7)"),
        );
        assert_eq!(
            specc_tests::texts(&mut owner, "select people || ' ' || ever || ' ' || work from teams where id = 1"),
            ["1 3 7"]
        );
    }
}

const DOCS: &str = "
entity profiles {
  id -> auth.users  key as account on delete cascade
  role: text = 'user'
  policy { own: allow select to authenticated when id = viewer }
}
viewer -> profiles
predicate is_admin = viewer.role = 'admin'

entity tenants {
  id: int key
  policy { see: allow select to authenticated when exists members (user_id = viewer) or is_admin }
}
entity members {
  tenant_id -> tenants on delete cascade
  user_id -> profiles on delete cascade
  key (tenant_id, user_id)
}
entity docs {
  id: int key
  tenant_id -> tenants on delete cascade
  owner_id -> profiles? on delete cascade
  is_open: boolean = true
  is_gone: boolean? = false
  policy { see: allow select to authenticated when exists tenant.members (user_id = viewer) or owner_id = viewer or is_admin }
}
entity notes {
  id: int key
  doc_id -> docs on delete cascade
  policy { see: allow select to authenticated when exists doc.readers (user_id = viewer) and doc.is_open and not doc.is_gone }
}
entity readers {
  doc_id -> docs on delete cascade
  user_id -> profiles on delete cascade
  key (doc_id, user_id)
}
entity loose {
  id: int key
  tenant_id -> tenants? on delete cascade
  policy { see: allow select to authenticated when exists tenant.members (user_id = viewer) or is_admin }
}
";

/// An administrator beside a membership: all rows for one, those of the team for the other, and an index for both.
#[test]
fn whoever_may_see_everything_costs_the_others_nothing() {
    let rows = "
insert into auth.users (id) values ({ana}), ({ben}), ({eve});
insert into profiles (id, role) values ({ana}, 'user'), ({ben}, 'admin'), ({eve}, 'user');
insert into tenants select n from generate_series(1, 500) n;
insert into members values (7, {ana});
insert into docs select n, 1 + n % 500, case when n = 8 then {eve}::uuid end from generate_series(1, 20000) n;
insert into loose values (1, 7), (2, 8), (3, null);
update docs set is_open = false where id = 2; update docs set is_gone = null where id = 3; update docs set is_gone = true where id = 4;
insert into notes select n, n from generate_series(1, 6) n;
insert into readers select n, {eve} from generate_series(1, 5) n;
analyze tenants; analyze members; analyze docs; analyze profiles;
";
    let built = project(DOCS);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(&mut owner, "rows", &sql(rows));
        let people = [Who::User("ana"), Who::User("ben"), Who::User("eve")];
        matrix(
            &mut owner,
            people,
            &[
                ("select count(*) from docs", ["40", "20000", "1"]),
                ("select count(*) from tenants", ["1", "500", "0"]),
                ("select id from notes", ["-", "-", "1 5"]),
                // a row that refers to nothing is an administrator's too
                ("select id from loose", ["1", "1 2 3", "-"]),
            ],
        );
        let claims = Who::User("ana").claims().replace('\'', "''");
        let ask = format!("select set_config('request.jwt.claims', '{claims}', false); set role authenticated");
        owner.batch_execute(&ask).unwrap();
        let plan = specc_tests::texts(&mut owner, "explain select count(*) from docs").join("\n");
        owner.batch_execute("reset role").unwrap();
        assert!(!plan.contains("Seq Scan on docs"), "version {major}\n{plan}");
    }
}

/// The names of a path, of a predicate and of a parameter of a mixin say the same wherever they are written out.
#[test]
fn what_is_written_out_keeps_its_meaning() {
    let spec = "
entity account {
  id -> auth.users  key as account on delete cascade
  policy { own: allow select to authenticated when id = viewer }
}
viewer -> account
predicate is_late(m: members) = is_left(m) and m.left_at is not null
predicate is_left(m: members) = m.left_at is not null
entity teams {
  id: int key
  size: int = count(members)
  policy { reading: allow select to authenticated when exists members (user_id = viewer) }
}
entity members {
  id: int key
  team_id -> teams
  user_id -> account
  left_at: timestamptz?
  policy {
    reading: allow select to authenticated when user_id = viewer
    gone: forbid select when is_late(this)
  }
}
mixin opened(condition = a or b) {
  a: bool = true
  b: bool = false
  policy { reading: allow select to authenticated when not $condition and id > 0 }
}
entity things {
  id: int key
  use opened
}
mixin held(column = owner_id) {
  $column -> account
  policy { holding: allow select to authenticated when exists (select 1 from account a where a.id = this.$column and a.id = viewer) }
}
entity boxes {
  id: int key
  use held
}
entity profile {
  id -> people key as profile
  secret: text = 's'
  policy { reading: allow select to authenticated when profile.active }
}
entity people {
  id: uuid key
  active: bool = false
  rls off
}
";
    attacked(
        spec,
        "insert into auth.users (id) values ({ana}), ({eve}); insert into account (id) values ({ana}), ({eve});
         insert into people (id, active) values ({ana}, true), ({eve}, false);
         insert into profile (id, secret) values ({ana}, 'open'), ({eve}, 'closed');
         insert into teams (id) values (1); insert into members (id, team_id, user_id, left_at) values
           (1, 1, {ana}, null), (2, 1, {eve}, now());
         insert into things (id, a, b) values (1, true, false), (2, false, true), (3, false, false), (0, false, false);
         insert into boxes (id, owner_id) values (1, {ana}), (2, {eve});",
        &[
            ("select string_agg(secret, ',') from profile", ["open", "open"]),
            ("select count(*) from teams", ["1", "0"]),
            ("select max(size) from teams", ["1", "-"]),
            ("select string_agg(id::text, ',') from things", ["3", "3"]),
            ("select string_agg(id::text, ',') from boxes", ["1", "2"]),
        ],
    );
}
