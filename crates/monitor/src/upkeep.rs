//! What has to happen by itself: jobs, calls, rows that have to be there and rows that may not be there any more, partitions.

use crate::cron::longest_gap;
use crate::queries::{KEPT, ROW, alert, column, gauge, is_time, label, named, own, panel, table};
use crate::watch::{Query, Watch};
use smol_str::SmolStr;
use specc_catalog::{Catalog, Object};
use specc_model::Model;
use specc_sql::quote::{ident, literal, qualified};

/// Jobs of pg_cron: when each went well last, and how often it failed.
pub(crate) fn jobs(watch: &mut Watch, catalog: &Catalog) {
    let mut all: Vec<(SmolStr, u64)> = Vec::new();
    for (_, entry) in catalog.iter() {
        if let Object::Job(job) = &entry.object {
            all.push((job.name.clone(), longest_gap(&job.schedule)));
        }
    }
    if all.is_empty() {
        return;
    }
    watch
        .platform
        .extend(["cron.job (jobid, jobname, active)", "cron.job_run_details (jobid, status, start_time, end_time)"]);
    let values: Vec<String> = all.iter().map(|(name, _)| format!("({})", literal(name))).collect();
    watch.queries.push(Query {
        name: "specc_job",
        sql: format!(
            "select w.job, (j.jobid is not null and j.active)::int as present, \
             extract(epoch from clock_timestamp() - r.last_success) as since_success_seconds, coalesce(r.failures, 0) as failures \
             from (values {}) as w (job) left join cron.job j on j.jobname = w.job \
             left join lateral (select max(end_time) filter (where status = 'succeeded') as last_success, \
             count(*) filter (where status = 'failed' and start_time > clock_timestamp() - interval '1 day') as failures \
             from cron.job_run_details d where d.jobid = j.jobid) r on true",
            values.join(", ")
        ),
        kept: 60,
        metrics: vec![
            label("job", "The job"),
            gauge("present", "Whether it is there and active"),
            gauge("since_success_seconds", "How long ago it went well; not a number if never"),
            gauge("failures", "How often it failed in the last day"),
        ],
    });
    let late = all.iter().map(|(name, gap)| {
        // Once may be late.
        let most = gap * 2 + 600;
        format!("specc_job_since_success_seconds{{job={}}} > {most}", crate::watch::quoted(name))
    });
    watch.alerts.push((
        "jobs",
        vec![
            alert(
                "SpeccJobMissing",
                "specc_job_present == 0",
                "10m",
                "critical",
                "the job {{ $labels.job }} of the spec is not there, or not active",
                "specc audit --only job_differs; specc apply makes it",
            ),
            alert(
                "SpeccJobFails",
                "specc_job_failures > 0",
                "0m",
                "warning",
                "the job {{ $labels.job }} failed in the last day",
                "cron.job_run_details has what it said (return_message)",
            ),
            alert(
                "SpeccJobLate",
                &late.collect::<Vec<_>>().join(" or "),
                "5m",
                "warning",
                "the job {{ $labels.job }} has not gone well for twice as long as it should take",
                "cron.job_run_details has its last runs; is pg_cron running?",
            ),
        ],
    ));
    watch.panels.push((
        "Jobs",
        vec![
            panel("Since the last that went well", "s", &[("specc_job_since_success_seconds", "{{job}}")]),
            panel("Failed in the last day", "short", &[("specc_job_failures", "{{job}}")]),
        ],
    ));
}

/// Calls to elsewhere, which wait in the queue of pg_net.
pub(crate) fn calls(watch: &mut Watch, model: &Model) {
    if model.webhooks.is_empty() {
        return;
    }
    watch
        .platform
        .extend(["net.http_request_queue (id)", "net._http_response (status_code, timed_out, error_msg, created)"]);
    watch.queries.push(Query {
        name: "specc_calls",
        sql: "select (select count(id) from net.http_request_queue) as waiting, count(*) as answered, \
              count(*) filter (where coalesce(status_code, 0) not between 200 and 299 or coalesce(timed_out, false) \
              or error_msg is not null) as failed from net._http_response \
              where created > clock_timestamp() - interval '1 hour'"
            .to_owned(),
        kept: 30,
        metrics: vec![
            gauge("waiting", "Calls of webhooks that were not sent yet"),
            gauge("answered", "Calls of the last hour"),
            gauge("failed", "Calls of the last hour that were not answered well"),
        ],
    });
    watch.alerts.push((
        "calls",
        vec![
            alert(
                "SpeccCallsWait",
                "specc_calls_waiting > 1000",
                "10m",
                "critical",
                "calls of webhooks wait in the queue and are not sent",
                "is the worker of pg_net running? select net.check_worker_is_up()",
            ),
            alert(
                "SpeccCallsFail",
                "specc_calls_failed > 5 and specc_calls_failed > specc_calls_answered * 0.1",
                "10m",
                "warning",
                "more than a tenth of the calls of webhooks in the last hour were not answered well",
                "net._http_response has the answers; look at the function that is called",
            ),
        ],
    ));
    watch.panels.push((
        "Calls",
        vec![
            panel("Waiting", "short", &[("specc_calls_waiting", "calls")]),
            panel(
                "Of the last hour",
                "short",
                &[("specc_calls_answered", "answered"), ("specc_calls_failed", "failed")],
            ),
        ],
    ));
}

/// Rows of base seeds, which have to be there.
pub(crate) fn seeds(watch: &mut Watch, catalog: &Catalog) {
    let mut parts = Vec::new();
    for (_, entry) in catalog.iter() {
        let Object::Seed(seed) = &entry.object else { continue };
        let at: Option<Vec<usize>> =
            seed.key.iter().map(|name| seed.columns.iter().position(|column| column == name)).collect();
        let Some(at) = at.filter(|at| !at.is_empty() && !seed.rows.is_empty()) else { continue };
        seed.key.iter().for_each(|name| watch.read(&seed.table.schema, &seed.table.name, name));
        let keys: Vec<String> = seed
            .rows
            .iter()
            .map(|row| {
                let values: Vec<&str> =
                    at.iter().filter_map(|at| row.get(*at)).map(|value| value.text.as_str()).collect();
                format!("({})", values.join(", "))
            })
            .collect();
        let names: Vec<String> = seed.key.iter().map(|name| format!("{ROW}.{}", ident(name))).collect();
        parts.push(format!(
            "select {}, {}, {}, (select count(*) from {} as {ROW} where ({}) in ({}))",
            literal(&seed.table.schema),
            literal(&seed.table.name),
            seed.rows.len(),
            qualified(&seed.table.schema, &seed.table.name),
            names.join(", "),
            keys.join(", ")
        ));
    }
    if parts.is_empty() {
        return;
    }
    watch.queries.push(Query {
        name: "specc_seed",
        sql: format!(
            "select schema, relation, sum(expected) as expected, sum(present) as present from ({}) \
             as all_of (schema, relation, expected, present) group by 1, 2",
            parts.join(" union all ")
        ),
        kept: KEPT,
        metrics: vec![
            label("schema", "The schema"),
            label("relation", "The table"),
            gauge("expected", "Rows of the spec's base seeds"),
            gauge("present", "Those of them that are there"),
        ],
    });
    watch.alerts.push((
        "seeds",
        vec![alert(
            "SpeccSeedMissing",
            "specc_seed_present < specc_seed_expected",
            "10m",
            "critical",
            "rows of the spec's base seeds are not in {{ $labels.schema }}.{{ $labels.relation }}",
            "specc audit --only seed_rows_missing names them",
        )],
    ));
    watch.panels.push((
        "Seeds",
        vec![panel("Missing", "short", &[("specc_seed_expected - specc_seed_present", "{{schema}}.{{relation}}")])],
    ));
}

/// Rows that should have been deleted by now.
pub(crate) fn retention(watch: &mut Watch, model: &Model) {
    let mut parts = Vec::new();
    for entity in own(model) {
        let Some(retain) = &entity.retain else { continue };
        let time = column(watch, entity, retain.field);
        parts.push(format!(
            "select {}, (select count(*) from {} as {ROW} where {time} < clock_timestamp() - interval {} - interval '1 day')",
            named(entity),
            table(entity),
            literal(&retain.interval)
        ));
    }
    if parts.is_empty() {
        return;
    }
    watch.queries.push(Query {
        name: "specc_retention",
        sql: format!("select * from ({}) as all_of (schema, relation, overdue_rows)", parts.join(" union all ")),
        kept: KEPT,
        metrics: vec![
            label("schema", "The schema"),
            label("relation", "The table"),
            gauge("overdue_rows", "Rows that are a day older than they may be"),
        ],
    });
    watch.alerts.push((
        "retention",
        vec![alert(
            "SpeccRowsOverdue",
            "specc_retention_overdue_rows > 0",
            "1d",
            "warning",
            "rows of {{ $labels.schema }}.{{ $labels.relation }} are older than the spec lets them be",
            "is the job that deletes them running? specc audit --only job_differs",
        )],
    ));
    watch.panels.push((
        "Retention",
        vec![panel("Overdue", "short", &[("specc_retention_overdue_rows", "{{schema}}.{{relation}}")])],
    ));
}

/// For how long there are partitions.
pub(crate) fn partitions(watch: &mut Watch, model: &Model) {
    let mut values = Vec::new();
    for entity in own(model) {
        let Some(by) = entity.partition_by.as_ref().filter(|by| by.method == "range") else { continue };
        let first = by.elements.first().and_then(specc_model::Element::field);
        if first.is_some_and(|field| is_time(entity, field)) && by.elements.len() == 1 {
            // A month to act in, where somebody has to; where the calendar does, what it promises.
            let wanted = match &by.rolls {
                Some(rolls) => u64::from(rolls.ahead) * u64::from(rolls.every.days()) * 86_400,
                None => 14 * 86_400,
            };
            values.push(format!("({}, {wanted}::bigint)", named(entity)));
        }
    }
    if values.is_empty() {
        return;
    }
    watch.queries.push(Query {
        name: "specc_partition",
        sql: format!(
            "select w.schema, w.relation, count(c.oid) as partitions, \
             coalesce(max(extract(epoch from substring(pg_get_expr(c.relpartbound, c.oid) from $re$TO \\('([^']+)'\\)$re$)::timestamptz \
             - clock_timestamp())), 0) as ahead_seconds, w.wanted_seconds, \
             coalesce(max(pg_stat_get_live_tuples(i.inhrelid)) filter (where pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT'), 0) \
             as default_rows \
             from (values {}) as w (schema, relation, wanted_seconds) join pg_namespace n on n.nspname = w.schema \
             join pg_class p on p.relnamespace = n.oid and p.relname = w.relation \
             left join pg_inherits i on i.inhparent = p.oid left join pg_class c on c.oid = i.inhrelid group by 1, 2, 5",
            values.join(", ")
        ),
        kept: KEPT,
        metrics: vec![
            label("schema", "The schema"),
            label("relation", "The table"),
            gauge("partitions", "How many there are"),
            gauge("ahead_seconds", "Until when there are partitions, from now on"),
            gauge("wanted_seconds", "Until when there should be at least"),
            gauge("default_rows", "About how many rows the default one has"),
        ],
    });
    watch.alerts.push((
        "partitions",
        vec![
            alert(
                "SpeccPartitionDue",
                "specc_partition_ahead_seconds < specc_partition_wanted_seconds",
                "1h",
                "warning",
                "partitions of {{ $labels.schema }}.{{ $labels.relation }} end soon",
                "add the next one to the spec: specc build, specc apply; where they are made by the calendar, look why its function is not called, or fails",
            ),
            alert(
                "SpeccPartitionMissing",
                "specc_partition_ahead_seconds < specc_partition_wanted_seconds / 7",
                "10m",
                "critical",
                "rows of {{ $labels.schema }}.{{ $labels.relation }} will soon have nowhere to go",
                "add the next partition to the spec: specc build, specc apply; where they are made by the calendar, call its function",
            ),
            alert(
                "SpeccPartitionDefault",
                "specc_partition_default_rows > 0",
                "1h",
                "warning",
                "the default partition of {{ $labels.schema }}.{{ $labels.relation }} has rows",
                "make the partition that they belong to; where they are made by the calendar, call its function",
            ),
        ],
    ));
    watch.panels.push((
        "Partitions",
        vec![panel("Ahead", "s", &[("specc_partition_ahead_seconds", "{{schema}}.{{relation}}")])],
    ));
}
