//! Names that generated functions use for themselves, as names of the author's.

use crate::behaviour::run;
use specc_tests::load::{nothing_wrong, told};
use specc_tests::{Layout, Rows, VERSIONS, one_text, texts};

/// Every variable, alias and label of generated functions, and what plpgsql has in every trigger.
const NAMES: [&str; 44] = [
    "tg_op",
    "tg_argv",
    "tg_level",
    "tg_table_name",
    "tg_table_schema",
    "found",
    "new",
    "old",
    "r",
    "p",
    "k",
    "c",
    "s",
    "t",
    "l",
    "n",
    "m",
    "new_rows",
    "old_rows",
    "sign",
    "change",
    "parent",
    "place",
    "line",
    "promoted",
    "owner",
    "owners",
    "free",
    "decided",
    "seen",
    "kept",
    "places",
    "waiting",
    "fits",
    "chosen",
    "seated",
    "came",
    "concerned",
    "take",
    "fill",
    "settle",
    "guard",
    "allowed",
    "name",
];

fn spec() -> String {
    let columns: String = NAMES.iter().map(|name| format!("  \"{name}\": int = 0\n")).collect();
    format!(
        "enum state {{ taken, queued, gone }}
entity owners {{
  id: int key
  \"tg_op\": int
  \"total\": int = count(rows where \"free\" >= 0 and state = 'taken')
  \"change\": int = count(rows where \"tg_op\" = 0)
  \"sign\": bigint = sum(rows.\"new_rows\")

  rls off
}}
entity rows {{
  id:       bigint key identity
  \"parent_id\" -> owners on delete cascade inverse rows
  state:    state = 'taken'
{columns}
  fixed: int = 0 immutable
  place_of: point? immutable

  limit \"places\": state = 'taken' and \"owner\" = 0 per \"parent_id\" to parent.\"tg_op\" else state = 'queued' promote by \"line\"
  limit second: state = 'taken' and \"found\" = 0 per \"parent_id\" to 1000

  workflow state {{
    -> taken, queued
    taken -> gone, queued
    queued -> taken, gone when \"allowed\" = 0
  }}

  rls off
}}"
    )
}

#[test]
fn names_of_ours_are_the_authors_too() {
    let built = specc_tests::build::project_for(Layout::Postgres, &spec());
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "insert into public.owners (id, tg_op) values (1, 2), (2, 3);
             insert into public.rows (parent_id, new_rows) values (1, 5), (1, 5), (1, 5), (2, 7);
             update public.rows set parent_id = 2 where id = 1;
             update public.owners set tg_op = 1 where id = 1;
             update public.owners set tg_op = 2 where id = 1;
             delete from public.rows where id = 2;",
        );
        let wrong = "select o.id from public.owners o where o.total <> (select count(*) from public.rows r where r.parent_id = o.id and r.state = 'taken')
             or o.change <> (select count(*) from public.rows r where r.parent_id = o.id)
             or o.sign <> (select sum(r.new_rows) from public.rows r where r.parent_id = o.id)";
        nothing_wrong(&mut owner, wrong, "counts");
        assert_eq!(texts(&mut owner, "select total, change, sign from public.owners order by id"), ["1 1 5", "2 2 12"]);
        let told = [
            "update public.rows set fixed = 1",
            "update public.owners set sign = 1",
            "update public.rows set state = 'gone'; update public.rows set state = 'taken'",
        ]
        .map(|statement| told(&mut owner, statement));
        assert!(told[0].starts_with("23514 rows.fixed"), "version {major}: {told:?}");
        assert!(told[1].starts_with("23514 owners.sign"), "version {major}: {told:?}");
        assert!(told[2].starts_with("23514 rows.state"), "version {major}: {told:?}");
        assert_eq!(one_text(&mut owner, "select count(*) from public.rows"), "3");
    }
}

/// An immutable value is another one when anything of it is, whatever `=` says.
#[test]
fn immutable_values_of_every_kind() {
    let types = [
        ("point", "(1,1)", "(6,6)"),
        ("box", "(1,1),(0,0)", "(6,6),(5,5)"),
        ("circle", "<(0,0),1>", "<(5,5),1>"),
        ("path", "[(0,0),(1,1)]", "[(5,5),(6,6)]"),
        ("polygon", "((0,0),(1,1),(2,0))", "((5,5),(6,6),(7,5))"),
        ("lseg", "[(0,0),(1,1)]", "[(5,5),(6,6)]"),
        ("line", "{1,2,3}", "{2,4,7}"),
        ("json", "{\"a\":1}", "{\"a\": 1}"),
        ("jsonb", "1.0", "1.00"),
        ("numeric", "1.0", "1.00"),
        ("interval", "1 day", "24 hours"),
        ("point[]", "{\"(1,1)\"}", "{\"(2,2)\"}"),
        ("json[]", "{1}", "{2}"),
        ("text", "a", "A"),
        ("bytea", "a", "b"),
        ("tsvector", "a", "b"),
    ];
    let fields: String = types.iter().enumerate().map(|(n, (ty, _, _))| format!("  c{n}: {ty}? immutable\n")).collect();
    let built = specc_tests::build::project_for(
        Layout::Postgres,
        &format!("entity things {{\n  id: int key\n{fields}\n  rls off\n}}"),
    );
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        let names: Vec<_> = (0..types.len()).map(|n| format!("c{n}")).collect();
        let values: Vec<_> = types.iter().map(|(_, value, _)| format!("'{value}'")).collect();
        run(
            &mut owner,
            &format!("insert into public.things (id, {}) values (1, {})", names.join(", "), values.join(", ")),
        );
        for (n, (ty, same, other)) in types.iter().enumerate() {
            let set = |value: &str| format!("update public.things set c{n} = '{value}'");
            let told = [same, other].map(|value| told(&mut owner, &set(value)));
            assert_eq!(told[0], "done", "version {major}, {ty}");
            assert!(told[1].starts_with(&format!("23514 things.c{n} ")), "version {major}, {ty}: {told:?}");
        }
    }
}

/// A trigger of the author's that changes other numbers of places, between the rows of a statement that changes some.
#[test]
fn places_that_others_change_meanwhile_hide_none() {
    let spec = "
entity halls {
  id: int key
  places: int = 3
  taken: int = count(seats where kept)
  rls off
}
entity seats {
  id: int key
  hall_id -> halls on delete cascade
  kept: bool = true
  limit few: kept per hall_id to hall.places
  rls off
}
trigger more on halls after update of places when (old.places <> new.places) as $$ begin
  if pg_trigger_depth() = 1 then
    update public.halls set places = places + 1 where id = 9;
  end if;
  return null;
end $$
";
    let built = specc_tests::build::project_for(Layout::Postgres, spec);
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        let rows = "insert into public.halls (id) values (1), (2), (9); insert into public.seats (id, hall_id) values (1, 1), (2, 1), (3, 2);";
        run(&mut owner, rows);
        for (one, two, wanted) in [(1, 5, "23514"), (5, 0, "23514"), (2, 1, "done"), (0, 0, "23514")] {
            let change =
                format!("update public.halls set places = case id when 1 then {one} else {two} end where id in (1, 2)");
            let told = told(&mut owner, &change);
            assert_eq!(told.split(' ').next(), Some(wanted), "version {major}, {one} and {two}: {told}");
        }
    }
}
