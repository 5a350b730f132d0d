//! Only the steps that a workflow draws.

use crate::behaviour::{event, run, told};
use specc_tests::{Rows, Who, each_version, one_text};

/// Every pair of states, with those that the spec allows.
#[test]
fn an_event_takes_the_steps_of_its_workflow_and_no_others() {
    let states = ["draft", "published", "cancelled", "completed"];
    let allowed =
        [("draft", "published"), ("draft", "cancelled"), ("published", "cancelled"), ("published", "completed")];
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 0);
        for from in states {
            run(
                &mut owner,
                &format!(
                    "alter table public.events disable trigger user;
                 update public.events set status = '{from}' where id = {{launch}};
                 alter table public.events enable trigger user;"
                ),
            );
            let steps = states.map(|to| format!("update public.events set status = '{to}' where id = {{launch}}"));
            let said = told(&mut owner, Who::User("ana"), &steps.each_ref().map(String::as_str));
            for (to, said) in states.into_iter().zip(said) {
                if from == to || allowed.contains(&(from, to)) {
                    assert_eq!(said, "done", "{from} to {to}");
                } else {
                    assert!(said.contains(from) && said.contains(to), "{from} to {to}: {said}");
                    assert!(said.starts_with("23514"), "a step that is not drawn breaks a rule of the row: {said}");
                }
            }
        }
    });
}

#[test]
fn a_row_starts_in_a_first_state() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 0);
        let insert = |status: &str| {
            format!(
                "insert into public.events (organizer_id, title, status, capacity, online_url, starts_at)
                 values ({{ana}}, 'Another', '{status}', 5, 'https://example.com', now() + interval '1 day')"
            )
        };
        let states = ["draft", "published", "cancelled", "completed"];
        let said = told(&mut owner, Who::User("ana"), &states.map(insert).each_ref().map(String::as_str));
        assert_eq!(said[..2], ["done", "done"]);
        for (state, said) in states.iter().zip(&said).skip(2) {
            assert!(said.starts_with("23514") && said.contains(state), "{said}");
        }
    });
}

/// The service is bound too: a workflow is about the data, not about who asks.
#[test]
fn a_workflow_binds_everybody() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 0);
        run(&mut owner, "update public.events set status = 'completed' where id = {launch}");
        let back = "update public.events set status = 'draft' where id = {launch}";
        for who in [Who::User("ana"), Who::User("root"), Who::Service] {
            let said = told(&mut owner, who, &[back]);
            assert!(said[0].starts_with("23514"), "{who:?}: {said:?}");
        }
        // what does not touch the state is free
        let said =
            told(&mut owner, Who::User("ana"), &["update public.events set title = 'Renamed' where id = {launch}"]);
        assert_eq!(said, ["done"]);
    });
}

#[test]
fn an_application_goes_its_way_and_leaves_a_trace() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 0);
        run(&mut owner,
            "insert into public.companies (id, created_by, name, slug, industry) values ({acme}, {ana}, 'Acme', 'acme', 'fintech');
             insert into public.job_postings (id, company_id, posted_by, title, description, remote, status)
               values ({job}, {acme}, {ana}, 'Engineer', 'Build', true, 'open');
             insert into public.job_applications (id, job_id, user_id) values ({application}, {job}, {ben});");
        let step = |to: &str| format!("update public.job_applications set status = '{to}' where id = {{application}}");
        let hire = told(&mut owner, Who::User("ana"), &[&step("hired")]);
        assert!(hire[0].starts_with("23514") && hire[0].contains("applied") && hire[0].contains("hired"), "{hire:?}");
        for to in ["screening", "interview", "offer", "hired"] {
            run(&mut owner, &step(to));
        }
        let trace =
            one_text(&mut owner, "select string_agg(to_status::text, ' ' order by id) from public.application_steps");
        assert_eq!(trace, "applied screening interview offer hired");
        let news = one_text(
            &mut owner,
            "select count(*) from public.notifications where kind = 'application' and recipient_id = {ben}",
        );
        assert_eq!(news, "5");
        let back = told(&mut owner, Who::User("ben"), &[&step("withdrawn")]);
        assert!(back[0].starts_with("23514"), "{back:?}");
    });
}

/// `when` guards and first states in a workflow over text, and one without first states.
#[test]
fn conditions_and_free_starts() {
    let built = specc_tests::project(
        "enum door { open, shut, locked }
         entity doors {
           id: int key
           state: door = 'open'
           has_key: bool = false
           workflow state {
             open -> shut
             shut -> open, locked when has_key
             locked -> shut
           }
         }
         entity notes {
           id: int key
           state: text = 'new'
           check state in ('new', 'seen', 'gone')
           workflow state {
             -> new
             new -> seen
             new, seen -> gone
           }
         }",
    );
    for major in specc_tests::VERSIONS {
        let db = built.database(major, Rows::Base);
        let mut owner = db.connect().unwrap();
        run(&mut owner, "insert into public.doors values (1, 'shut', true), (2, 'shut', false), (3, 'locked', false)");
        let said = told(
            &mut owner,
            Who::Service,
            &[
                "update public.doors set state = 'locked' where id = 1",
                "update public.doors set state = 'locked' where id = 2",
                "update public.doors set state = 'open' where id = 3",
                "update public.doors set state = 'shut' where id = 3",
                "insert into public.notes values (1, 'seen')",
                "insert into public.notes values (1)",
            ],
        );
        let codes: Vec<_> = said.iter().map(|s| s.split(' ').next().unwrap()).collect();
        assert_eq!(codes, ["done", "23514", "23514", "done", "23514", "done"], "{said:?}");
    }
}
