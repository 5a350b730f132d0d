//! How the files go together, and what the platform shows by itself.

use crate::role::ROLE;
use crate::watch::{Usage, Watch};
use specc_catalog::MARK;
use std::fmt::Write;

/// What Supabase shows by itself, where, and what it has not.
const REPORTS: [(&str, &str, &str); 9] = [
    ("Database", "Reports", "processor, memory, disk and its queue, connections by role, size of the database"),
    (
        "Query Performance",
        "Reports, Advisors",
        "statements by total time, by calls, and the slowest, from pg_stat_statements",
    ),
    ("API Gateway and Data API", "Reports", "requests, errors and response times by path"),
    ("Auth", "Reports", "sign-ups, sign-ins, errors by provider"),
    ("Storage", "Reports", "requests, and how many of them the cache answers"),
    ("Realtime", "Reports", "connected clients, messages, errors when joining"),
    ("Edge Functions", "Reports", "calls, status, how long they take"),
    ("Logs", "Logs Explorer", "what the gateway, Postgres, Auth, Storage, Realtime and functions say, one by one"),
    (
        "Metrics API",
        "`/customer/v1/privileged/metrics`",
        "some 200 series of the machine and of Postgres, for Prometheus too",
    ),
];

pub(crate) fn markdown(watch: &Watch) -> String {
    let mut out = format!("<!-- {MARK} -->\n# Watching {}\n\n", watch.project);
    let _ = write!(
        out,
        "Four files, made of the spec: change the spec and make them anew.\n\n\
         | file | for | how |\n|---|---|---|\n\
         | `role.sql` | the database | `psql \"$DATABASE_URL\" -f role.sql`, then `\\password {ROLE}` |\n\
         | `queries.yaml` | `postgres_exporter` | `--extend.query-path=queries.yaml`, with `DATA_SOURCE_NAME` of the role `{ROLE}` |\n\
         | `alerts.yaml` | Prometheus | `rule_files: [alerts.yaml]`; `promtool check rules alerts.yaml` |\n\
         | `dashboard.json` | Grafana | Dashboards, Import; it asks which Prometheus |\n\n\
         The role reads the columns that the queries name and no others, counts rows past row level security, writes nothing, and \
         may ask for ten seconds. What reads rows is asked once in five minutes. Versions of the exporter that do not know Postgres 17 yet \
         need `--no-collector.bgwriter`.\n"
    );
    out.push_str("\n## Series\n\n| series | says | kind |\n|---|---|---|\n");
    for query in &watch.queries {
        for metric in &query.metrics {
            let kind = match metric.usage {
                Usage::Label => continue,
                Usage::Gauge => "gauge",
                Usage::Counter => "counter",
            };
            let _ = writeln!(out, "| `{}_{}` | {} | {kind} |", query.name, metric.name, metric.says);
        }
    }
    out.push_str("\n## Alerts\n\n| alert | severity | after | what is wrong | what to do |\n|---|---|---|---|---|\n");
    for alert in watch.alerts.iter().flat_map(|(_, alerts)| alerts) {
        let plain = |text: &str| text.replace("{{ $labels.", "*").replace(" }}", "*").replace('|', "\\|");
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            alert.name,
            alert.severity,
            alert.wait,
            plain(&alert.says),
            plain(&alert.mend)
        );
    }
    if watch.is_supabase {
        out.push_str(
            "\n## What Supabase shows by itself\n\nNothing of this is asked again here; it knows nothing of the tables' meaning: \
             states, limits, jobs, seeds.\n\n| report | where | shows |\n|---|---|---|\n",
        );
        for (name, place, shows) in REPORTS {
            let _ = writeln!(out, "| {name} | {place} | {shows} |");
        }
    }
    out
}
