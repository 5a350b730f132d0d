//! Searches and everyday queries find their rows by an index, with rows enough for it to matter.

use crate::behaviour::{event, run};
use specc_postgres::{Session, as_user};
use specc_tests::stage::said;
use specc_tests::{Rows, Who, each_version, sql, texts};

/// The plan of a query, as somebody.
fn plan(session: &mut Session, who: Who, query: &str) -> String {
    let query = sql(&format!("explain {query}"));
    as_user(session, who.role(), &who.claims(), |tx| {
        Ok(tx.query(&query, &[])?.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n"))
    })
    .unwrap_or_else(|error| panic!("{}\n{query}", said(&error)))
}

/// The plan of the query in a function's body, with values for its parameters.
fn body_plan(owner: &mut Session, function: &str, values: &[(&str, &str)]) -> String {
    let mut body = texts(owner, &format!("select prosrc from pg_proc where proname = '{function}'")).join("\n");
    for (name, value) in values {
        body = body.replace(name, value);
    }
    texts(owner, &format!("explain {body}")).join("\n")
}

fn quick(owner: &mut Session, table: &str, statement: &str) {
    run(
        owner,
        &format!(
            "alter table public.{table} disable trigger user; {statement}; alter table public.{table} enable trigger user;"
        ),
    );
    run(owner, &format!("vacuum analyze public.{table}"));
}

#[test]
fn full_text_search_uses_its_index() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 0);
        quick(&mut owner, "events",
            "insert into public.events (organizer_id, title, description, status, capacity, online_url, starts_at)
             select {ana}, 'Evening ' || n, 'Talks about ' || md5(n::text) || case when n % 500 = 0 then ' gardening' else '' end,
                    case when n % 3 = 0 then 'draft' else 'published' end::public.event_status, 50, 'https://example.com', now() + n * interval '1 hour'
             from generate_series(1, 6000) n");
        let plan = body_plan(&mut owner, "search_events", &[("p_terms", "'gardens'"), ("p_limit", "20")]);
        assert!(plan.contains("Bitmap Index Scan on events_search_idx"), "{plan}");
        let found = Who::Anon.tries(
            &mut owner,
            &[
                sql("select count(*) from public.search_events('garden')"),
                sql("select title from public.search_events('launch -evening')"),
                sql("select count(*) from public.search_events('garden or evening', 1000)"),
            ],
        );
        assert_eq!(
            found,
            ["8", "Launch night", "100"],
            "drafts are not found, other words are, and never too many at a time"
        );
        // the title weighs more than the description
        run(
            &mut owner,
            "update public.events set title = 'Gardening' where title = 'Evening 500'; update public.events set status = status",
        );
        let first = texts(&mut owner, "select title from public.search_events('gardening', 1)");
        assert_eq!(first, ["Gardening"]);

        // the list of what is on
        let upcoming = plan_of_list(&mut owner);
        assert!(upcoming.contains("Index Scan using upcoming_events"), "{upcoming}");
        let mine = self::plan(&mut owner, Who::User("ben"), "select * from public.events where organizer_id = {ben}");
        assert!(mine.contains("events_organizer_id"), "{mine}");
    });
}

fn plan_of_list(owner: &mut Session) -> String {
    texts(owner, "explain select * from public.events where status = 'published' and deleted_at is null and starts_at > now() order by starts_at limit 20").join("\n")
}

#[test]
fn meaning_is_searched_by_its_index() {
    each_version("automation_platform", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        // most have no embedding yet; of the others few dimensions differ, so that the rows are quickly made
        quick(&mut owner, "automations",
            "insert into public.automations (slug, title, description, category, published, tags)
             select 'b-' || n, 'Other ' || n, 'Does ' || n, 'sales', true, array['t' || n % 400] from generate_series(1, 6000) n;
             insert into public.automations (slug, title, description, category, published, tags, embedding)
             select 'a-' || n, 'Automation ' || n, 'Does ' || n, 'finance', n % 10 <> 0, array['t' || n % 400],
                    (array_fill(0::real, array[1530]) || array[sin(n), cos(n), sin(n * 2.3), cos(n * 3.1), sin(n * 5.7), cos(n * 7.9)]::real[])::extensions.vector
             from generate_series(1, 300) n");
        let point = "(array_fill(0::real, array[1530]) || array[sin(7), cos(7), sin(7 * 2.3), cos(7 * 3.1), sin(7 * 5.7), cos(7 * 7.9)]::real[])::extensions.vector";
        let plan = body_plan(&mut owner, "similar_automations", &[("p_embedding", point), ("p_limit", "10")]);
        assert!(plan.contains("Index Scan using automations_embedding") && !plan.contains("Sort"), "{plan}");
        let nearest = texts(
            &mut owner,
            &format!("select title, round(similarity::numeric, 3) from public.similar_automations({point}, 1)"),
        );
        assert_eq!(nearest, ["Automation 7 1.000"]);
        let found =
            Who::Anon.tries(&mut owner, &[format!("select count(*) from public.similar_automations({point}, 40)")]);
        assert!(found[0].parse::<u32>().unwrap() > 20, "{found:?}");

        let plan = body_plan(&mut owner, "automations_with_tags", &[("p_tags", "array['t11']")]);
        assert!(plan.contains("Bitmap Index Scan on automations_tags_idx"), "{plan}");
    });
}

/// The shape that policies are given keeps indexes usable: a member's rows are found by the tenant's key.
#[test]
fn policies_leave_indexes_usable() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 0);
        for table in ["startups", "startup_members"] {
            run(&mut owner, &format!("alter table public.{table} disable trigger user"));
        }
        run(&mut owner,
            "insert into public.startups (id, name, industry) select md5('s' || n)::uuid, 'S' || n, 'i' from generate_series(1, 400) n;
             insert into public.startup_members (startup_id, user_id, role) select md5('s' || n)::uuid, {ben}, 'owner' from generate_series(1, 5) n;
             insert into public.startup_members (startup_id, user_id, role) select md5('s' || n)::uuid, {carla}, 'owner' from generate_series(6, 400) n;
             analyze public.startups; analyze public.startup_members");
        quick(
            &mut owner,
            "startup_metrics",
            "insert into public.startup_metrics (startup_id, metric_date, revenue) select md5('s' || n)::uuid, current_date - d, d from generate_series(1, 400) n, generate_series(1, 50) d",
        );
        let one =
            "select * from public.startup_metrics where startup_id = md5('s1')::uuid order by metric_date desc limit 5";
        for query in [one, "update public.startup_metrics set users = 1", "delete from public.startup_metrics"] {
            let plan = plan(&mut owner, Who::User("ben"), query);
            assert!(plan.contains("startup_metrics_startup_id"), "{query}\n{plan}");
            assert!(!plan.contains("Seq Scan on startup_metrics"), "{query}\n{plan}");
        }
        let sums = Who::User("ben").tries(
            &mut owner,
            &["select count(*) from public.startup_metrics".into(), "select count(*) from public.startups".into()],
        );
        assert_eq!(sums, ["250", "5"]);
        let none = Who::User("ana").tries(&mut owner, &["select count(*) from public.startup_metrics".into()]);
        assert_eq!(none, ["0"]);
    });
}

/// Skills decide, in the order of how well they fit.
#[test]
fn jobs_are_matched_by_skill() {
    each_version("medellin_spark", Rows::Dev, |db| {
        let mut owner = db.connect().unwrap();
        let ben = texts(&mut owner, "select id from public.profiles where full_name = 'Ben Ortiz'").remove(0);
        let claims = specc_postgres::platform::claims(&ben);
        let matched = as_user(&mut owner, "authenticated", &claims, |tx| {
            let rows =
                tx.query("select title, score::text, matched_skills, required_skills from public.match_jobs()", &[])?;
            Ok(rows
                .iter()
                .map(|r| {
                    format!(
                        "{} {} {}/{}",
                        r.get::<_, String>(0),
                        r.get::<_, String>(1),
                        r.get::<_, i64>(2),
                        r.get::<_, i64>(3)
                    )
                })
                .collect::<Vec<_>>())
        });
        // Rust 4 of 4, PostgreSQL 2 of 3
        assert_eq!(matched.unwrap(), ["Backend engineer 0.833 2/2"]);
    });
}
