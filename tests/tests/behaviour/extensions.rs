//! What extensions bring keeps its meaning in the bodies of generated functions, whose search path has none of it.

use crate::behaviour::run;
use specc_tests::access::matrix;
use specc_tests::{Rows, VERSIONS, Who, project, texts};

/// The extension lies where `create extension` puts it, or in a schema of its own.
const PLACES: [&str; 2] = ["", " in extensions"];

const PEOPLE: &str = "
entity profiles {
  id    -> auth.users key as account on delete cascade
  email: citext
  policy { own: allow select to authenticated when id = viewer }
}
viewer -> profiles
";

#[test]
fn text_without_case_is_compared_without_case() {
    for place in PLACES {
        let built = project(&format!(
            "extension citext{place}
             {PEOPLE}
             entity teams {{
               id:    citext key
               seats: int = 1
               n:     int = count(kids where v = 'a' and v in ('A', 'b') and v like 'A%' and v is distinct from 'B')
               total: numeric = sum(kids.x)
               rls off
             }}
             entity kids {{
               id:  int key
               team_id -> teams on update cascade
               v:   citext
               x:   numeric
               rls off
             }}
             entity seats {{
               id:     int key
               team_id -> teams
               status: citext
               limit taken: status in ('ok', 'yes') per team_id to team.seats else status = 'waits' promote by id
               rls off
             }}
             entity jobs {{
               id:     int key
               author: citext
               team_id -> teams?
               state:  citext = 'open'
               stage:  text = 'a'
               workflow state {{ -> open
                 open -> closed }}
               workflow stage {{ a -> b when author <> 'root' and author not in ('x') and author is distinct from 'guest' and nullif(author, 'nobody') is not null and case author when 'cased' then false else true end
                 b -> c when exists team (id = 'T') or team.id = 'U' }}
               rls off
             }}"
        ));
        for major in VERSIONS {
            let db = built.database(major, Rows::Base);
            let mut owner = db.connect().unwrap();
            run(
                &mut owner,
                "insert into teams (id) values ('t'), ('u');
                 insert into kids values (1, 'T', 'A', 1), (2, 't', 'a', 2.5), (3, 'U', 'b', 4);",
            );
            let teams = "select id, n, total from teams order by id";
            assert_eq!(texts(&mut owner, teams), ["t 2 3.5", "u 0 4"], "version {major}{place}");
            run(&mut owner, "update kids set team_id = 'u' where id = 1");
            assert_eq!(texts(&mut owner, teams), ["t 1 2.5", "u 1 5"]);
            run(&mut owner, "update teams set id = 'T' where id = 't'");
            assert_eq!(texts(&mut owner, teams), ["T 1 2.5", "u 1 5"], "the key is the same one");
            run(&mut owner, "update teams set id = 'w' where id = 't'; update teams set id = 't' where id = 'w'");
            assert_eq!(texts(&mut owner, teams), ["t 1 2.5", "u 1 5"]);

            run(
                &mut owner,
                "insert into seats values (1, 'T', 'ok'); insert into seats values (2, 't', 'OK'), (3, 'T', 'Yes'), (4, 'U', 'ok')",
            );
            let seats = "select string_agg(id || status, ' ' order by id) from seats";
            assert_eq!(texts(&mut owner, seats), ["1ok 2waits 3waits 4ok"]);
            run(&mut owner, "delete from seats where id = 1");
            assert_eq!(texts(&mut owner, seats), ["2ok 3waits 4ok"]);
            run(&mut owner, "update teams set seats = 2 where id = 'T'");
            assert_eq!(texts(&mut owner, seats), ["2ok 3ok 4ok"]);
            run(&mut owner, "update teams set seats = 1 where id = 'T'");
            assert_eq!(texts(&mut owner, seats), ["2ok 3waits 4ok"]);

            run(
                &mut owner,
                "insert into jobs (id, author, team_id, state) values
                   (1, 'ROOT', 't', 'OPEN'), (2, 'X', 't', 'open'), (3, 'Guest', 't', 'open'), (4, 'ann', 't', 'open'),
                   (5, 'Nobody', 't', 'open'), (6, 'Cased', 't', 'open'), (7, 'bob', 'U', 'open'), (8, 'cy', null, 'open');",
            );
            for id in [1, 2, 3, 5, 6] {
                let step = format!("update jobs set stage = 'b' where id = {id}");
                assert!(owner.batch_execute(&step).is_err(), "job {id}, version {major}{place}");
            }
            run(
                &mut owner,
                "update jobs set stage = 'b' where id in (4, 7, 8); update jobs set stage = 'c' where id in (4, 7)",
            );
            assert!(owner.batch_execute("update jobs set stage = 'c' where id = 8").is_err());
            run(&mut owner, "update jobs set state = 'CLOSED' where id = 1");
            assert!(owner.batch_execute("update jobs set state = 'open' where id = 1").is_err());
        }
    }
}

/// Who wrote a row must not rate it, however the address is spelled.
#[test]
fn a_rule_on_columns_compares_without_case() {
    for place in PLACES {
        let built = project(&format!(
            "extension citext{place}
             {PEOPLE}
             entity talks {{
               id:     int key
               author: citext
               score:  int = 0
               note:   text = ''
               policy {{
                 read:    allow select, update to authenticated
                 no_self: forbid update (score) when author = viewer.email
               }}
             }}
             entity notes {{
               id:     int key
               author: citext = 'nobody'
               score:  int = 0
               text:   text = ''
               policy {{
                 read:   allow select, insert to authenticated
                 write:  allow update (text) to authenticated
                 rate:   allow update (score) to authenticated when author not in (viewer.email, 'root')
               }}
             }}"
        ));
        for major in VERSIONS {
            let db = built.database(major, Rows::Base);
            let mut owner = db.connect().unwrap();
            run(
                &mut owner,
                "insert into auth.users (id) values ({ana}), ({eve});
                 insert into profiles values ({ana}, 'Ana@x.io'), ({eve}, 'Eve@x.io');
                 insert into talks (id, author) values (1, 'eve@X.io');
                 insert into notes (id, author) values (1, 'eve@X.io'), (2, 'ROOT');",
            );
            matrix(
                &mut owner,
                [Who::User("eve"), Who::User("ana")],
                &[
                    ("update talks set score = 100", ["42501", "1"]),
                    ("update talks set note = 'x'", ["1", "1"]),
                    ("update notes set score = 100 where id = 1", ["42501", "1"]),
                    ("update notes set score = 100 where id = 2", ["42501", "42501"]),
                    ("update notes set text = 'x'", ["2", "2"]),
                ],
            );
        }
    }
}

#[test]
fn operators_and_functions_of_extensions_are_found() {
    let built = project(
        "extension ltree
         extension hstore
         extension pg_trgm in extensions
         extension cube
         entity trees {
           path:   ltree key
           below:  int = count(leaves where sub <@ 'a'::ltree and sub ~ '*.b'::lquery)
           tagged: int = count(leaves where tags ? 'x' and (tags -> 'x') = '1')
           like:   int = count(leaves where similarity(name, 'foo') > 0.9 and nlevel(sub) > 1)
           rls off
         }
         entity leaves {
           id:   int key
           tree_path -> trees
           sub:  ltree
           tags: hstore
           name: text
           spot: cube?
           step: text = 'a'
           use soft_delete
           limit few: sub @> 'a.b'::ltree and array[sub] @> 'a'::ltree per tree_path to 2
           workflow step { a -> b when tags @> 'x=>1'::hstore and name % 'foo' and name = any (akeys(tags) || array['foo'])
             b -> c when exists (select from extensions.similarity(name, 'foo') s where s > 0.9) }
           rls off
         }
         entity roots {
           path: ltree key
           use soft_delete
           rls off
         }",
    );
    for major in VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(
            &mut owner,
            "insert into trees (path) values ('t');
             insert into leaves (id, tree_path, sub, tags, name) values
               (1, 't', 'a.b', 'x=>1', 'foo'), (2, 't', 'a.c', 'x=>2', 'foo'), (3, 't', 'b', 'y=>1', 'bar');",
        );
        assert_eq!(texts(&mut owner, "select below, tagged, \"like\" from trees"), ["1 1 2"], "version {major}");
        run(&mut owner, "update leaves set step = 'b' where id = 1; update leaves set step = 'c' where id = 1");
        assert!(owner.batch_execute("update leaves set step = 'b' where id = 2").is_err());
        run(&mut owner, "insert into roots (path) values ('a.b'); delete from roots");
        assert_eq!(texts(&mut owner, "select path, deleted_at is null from roots"), ["a.b f"]);
        run(&mut owner, "delete from leaves where id = 1");
        assert_eq!(texts(&mut owner, "select below, tagged, \"like\" from trees"), ["0 0 1"]);
    }
}
