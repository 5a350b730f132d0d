//! What watches a database of a spec, made of the spec: its own tables, workflows, limits, jobs, calls, seeds, retention and
//! partitions, beside what every server has.
//!
//! Each is a pure function of [`Watch`], which says what is asked: `queries.yaml` for `postgres_exporter`, `alerts.yaml` for
//! Prometheus, `dashboard.json` for Grafana, `role.sql` for whoever asks, and a page that says how they go together.

mod alerts;
mod cron;
mod dashboard;
mod page;
mod queries;
mod role;
mod server;
mod upkeep;
mod watch;

pub use watch::{Metric, Query, Usage, Watch};

use specc_catalog::{Catalog, MARK};
use specc_model::Model;

/// The files: their names and texts.
pub fn files(model: &Model, catalog: &Catalog, name: &str) -> Vec<(String, String)> {
    let watch = queries::of(model, catalog, name);
    let file = |name: &str, text: String| (name.to_owned(), text);
    vec![
        file("queries.yaml", watch.yaml()),
        file("alerts.yaml", alerts::yaml(&watch)),
        file("dashboard.json", dashboard::json(&watch)),
        file("role.sql", role::sql(&watch)),
        file("README.md", page::markdown(&watch)),
    ]
}

/// The tables that a file of queries watches, as it says at its beginning; none where it is no file of ours.
pub fn watched(queries: &str) -> Option<Vec<String>> {
    let mut lines = queries.lines();
    if !lines.next()?.contains(MARK) {
        return None;
    }
    let tables = lines.next()?.strip_prefix(TABLES)?;
    serde_json::from_str(tables.trim()).ok()
}

/// How the line begins that names the tables.
const TABLES: &str = "# tables: ";
