//! The platform's services: buckets, schedules, webhooks, realtime.

use crate::behaviour::{event, run, told};
use specc_tests::{Rows, Who, each_version, texts};

#[test]
fn buckets_are_there_with_their_limits() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        let buckets = texts(
            &mut owner,
            "select id, public, file_size_limit / 1048576, array_length(allowed_mime_types, 1) from storage.buckets order by id",
        );
        assert_eq!(
            buckets,
            [
                "avatars t 2 3",
                "company_logos t 1 3",
                "event_photos t 10 3",
                "pitch_decks f 50 2",
                "resumes f 5 1",
                "startup_documents f 25 4",
            ]
        );
    });
}

#[test]
fn schedules_are_registered_and_do_their_work() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        let jobs = texts(&mut owner, "select jobname, schedule from cron.job where active order by jobname");
        let names: Vec<_> = jobs.iter().map(|job| job.split(' ').next().unwrap()).collect();
        for name in [
            "complete_past_events",
            "expire_invitations",
            "nightly_rollup",
            "refresh_dashboards",
            "release_unpaid_seats",
            "remind_attendees",
        ] {
            assert!(names.contains(&name), "{name} is missing: {jobs:?}");
        }
        for view in ["company_funnel", "monthly_platform"] {
            assert!(names.iter().any(|job| job.contains(view)), "nothing refreshes {view}: {jobs:?}");
        }
        assert!(jobs.contains(&"release_unpaid_seats */15 * * * *".to_owned()), "{jobs:?}");

        event(&mut owner, 1, 2);
        run(&mut owner,
            "insert into public.registrations (event_id, attendee_id) values ({launch}, {ben});
             insert into public.registrations (event_id, attendee_id) values ({launch}, {carla});
             update public.registrations set payment_status = 'pending', status_changed_at = now() - interval '2 days' where attendee_id = {ben};
             update public.events set starts_at = now() + interval '3 hours' where id = {launch};");
        let commands = texts(&mut owner, "select command from cron.job order by jobname");
        for command in &commands {
            run(&mut owner, command);
        }
        // every job may run again, and again
        for command in &commands {
            run(&mut owner, command);
        }
        let seats = texts(
            &mut owner,
            "select p.full_name, r.status from public.registrations r join public.profiles p on p.id = r.attendee_id order by 1",
        );
        assert_eq!(seats, ["Ben cancelled", "Carla confirmed"], "the seat that was not paid went to who waited");
        let news = texts(&mut owner, "select count(*) from public.notifications where kind = 'reminder'");
        assert_eq!(news, ["1"], "one reminder however often the job runs");
        run(
            &mut owner,
            "alter table public.events disable trigger user; update public.events set starts_at = now() - interval '2 days'; alter table public.events enable trigger user;",
        );
        commands.iter().for_each(|command| run(&mut owner, command));
        assert_eq!(texts(&mut owner, "select status from public.events"), ["completed"]);
    });
}

#[test]
fn a_webhook_queues_a_request() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        event(&mut owner, 5, 0);
        let queue = "select count(*) from net.http_request_queue";
        let before = texts(&mut owner, queue)[0].parse::<u32>().unwrap();
        assert_eq!(before, 0, "nothing has happened that a webhook tells of");
        run(&mut owner, "insert into public.registrations (event_id, attendee_id) values ({launch}, {ben})");
        let sent = texts(
            &mut owner,
            "select url, timeout_milliseconds, headers ->> 'x-webhook-secret', convert_from(body, 'UTF8')::jsonb ->> 'type',
                    convert_from(body, 'UTF8')::jsonb ->> 'table', convert_from(body, 'UTF8')::jsonb -> 'record' ->> 'attendee_id' = {ben}::text
             from net.http_request_queue order by url",
        );
        assert_eq!(sent, [
            "http://localhost/project_url/functions/v1/registration-created 5000 http://localhost/webhook_secret INSERT registrations t",
            "http://localhost/project_url/functions/v1/send-notification 5000 http://localhost/webhook_secret INSERT notifications f",
        ].map(|line| if line.contains("send-notification") { line.trim_end_matches(" f").to_owned() + " null" } else { line.to_owned() }));
        // an update of the column that the webhook names tells, another one does not
        run(&mut owner,
            "insert into public.companies (id, created_by, name, slug, industry) values ({acme}, {ana}, 'Acme', 'acme', 'fintech');
             insert into public.job_postings (id, company_id, posted_by, title, description, remote, status) values ({job}, {acme}, {ana}, 'Engineer', 'Build', true, 'open');
             insert into public.job_applications (id, job_id, user_id) values ({application}, {job}, {ben});
             delete from net.http_request_queue;
             update public.job_applications set cover_letter = 'Hello';");
        assert_eq!(texts(&mut owner, queue), ["0"]);
        run(&mut owner, "update public.job_applications set status = 'screening'");
        assert_eq!(
            texts(&mut owner, "select count(*) from net.http_request_queue where url like '%application-changed'"),
            ["1"]
        );
        // a request that is rolled back is not sent
        let queued = texts(&mut owner, queue);
        assert_eq!(
            told(&mut owner, Who::Service, &["update public.job_applications set status = 'interview'"]),
            ["done"]
        );
        assert_eq!(texts(&mut owner, queue), queued);
        // the write matters more than the message about it
        run(&mut owner, "delete from vault.secrets; update public.job_applications set status = 'interview'");
        assert_eq!(texts(&mut owner, "select status from public.job_applications"), ["interview"]);
    });
}

#[test]
fn realtime_publishes_what_the_spec_lists() {
    each_version("medellin_spark", Rows::Base, |db| {
        let mut owner = db.connect().unwrap();
        let tables = texts(
            &mut owner,
            "select tablename, array_length(attnames, 1) from pg_publication_tables where pubname = 'supabase_realtime' order by 1",
        );
        let names: Vec<_> = tables.iter().map(|t| t.split(' ').next().unwrap()).collect();
        assert_eq!(
            names,
            [
                "deck_collaborators",
                "deck_comments",
                "deck_slides",
                "events",
                "job_applications",
                "pitch_decks",
                "registrations",
                "startup_dashboards",
                "startup_metrics",
            ]
        );
        assert!(
            tables.contains(&"events 7".to_owned()) && tables.contains(&"registrations 5".to_owned()),
            "{tables:?}"
        );
        // changes are published, so a table without a key would refuse them
        event(&mut owner, 5, 0);
        run(&mut owner, "update public.events set capacity = 6");
    });
}
