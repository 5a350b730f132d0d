//! What queries and bodies name.

use specc_diag::{FileId, Span};
use specc_expr::{Name, parse_query, parse_statements, plpgsql_references, references};

fn at(text: &str) -> Span {
    Span::new(FileId(0), 0, text.len())
}

fn show(names: &[Name]) -> String {
    let one = |(schema, name): &Name| schema.as_ref().map_or(name.to_string(), |s| format!("{s}.{name}"));
    names.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_query_names_its_relations_but_not_its_with_queries() {
    let text = "with recent as (select * from Events where starts_at > now()), \
                other as (select * from recent) \
                select r.*, private.score(r.id), 'x'::public.mood, nextval('app.numbers') \
                from recent r join public.\"Profiles\" p on p.id = r.organizer_id, lateral unnest(r.tags) t, auth.helper(1) \
                where exists (select 1 from registrations g where g.event_id = r.id) and r.kind = any ('{}'::event_kind[])";
    let found = references(&parse_query(text, at(text)).unwrap());
    assert_eq!(show(&found.relations), "events app.numbers public.Profiles registrations");
    assert_eq!(show(&found.functions), "now private.score nextval unnest auth.helper");
    assert_eq!(show(&found.types), "public.mood event_kind");
}

#[test]
fn statements_name_what_they_write() {
    let text = "insert into public.log (a) select a from x; update y set a = 1 from z where z.id = y.id; \
                delete from q using w where w.id = q.id;";
    let found = references(&parse_statements(text, at(text)).unwrap());
    assert_eq!(show(&found.relations), "public.log x y z q w");
}

#[test]
fn a_block_names_what_its_words_say() {
    let found = plpgsql_references(
        "declare
           n int := 0;
           state public.mood;
           r events%rowtype;
           t profiles.email%type;
         begin
           -- from nowhere
           perform private.notify(new.id, 'from strings');
           select count(*) into n from registrations r, public.seats as s where r.event_id = new.event_id
             and extract(epoch from now()) > 1 and new.a is distinct from old.a for update;
           with picked as (select id from waiting limit 1)
           update registrations set status = 'confirmed'::registration_status where id in (select id from picked);
           insert into audit.log (row_id, what) values (new.id, lower(new.what)) on conflict (row_id) do update set what = 'x';
           delete from stale using olds where olds.id = stale.id;
           for x in select * from generate_series(1, 10) loop null; end loop;
           return new;
         end",
    );
    assert_eq!(show(&found.relations), "events profiles registrations public.seats waiting audit.log stale olds");
    assert_eq!(show(&found.functions), "private.notify count now lower generate_series");
    assert_eq!(show(&found.types), "int public.mood registration_status");
}
