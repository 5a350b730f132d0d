//! What is asked of a database, and what for.

use crate::TABLES;
use smol_str::SmolStr;
use specc_catalog::MARK;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// How a column of a query is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// It tells series apart.
    Label,
    /// It goes up and down.
    Gauge,
    /// It only grows.
    Counter,
}

/// A column of a query.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Its name; the series is called by the query's name and this.
    pub name: &'static str,
    /// How it is meant.
    pub usage: Usage,
    /// What it says.
    pub says: &'static str,
}

/// A query.
#[derive(Clone, Debug)]
pub struct Query {
    /// What its series begin with.
    pub name: &'static str,
    /// It.
    pub sql: String,
    /// For how many seconds an answer is kept: what reads rows is not asked at each scrape.
    pub kept: u32,
    /// Its columns.
    pub metrics: Vec<Metric>,
}

/// An alert rule.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    pub(crate) name: String,
    pub(crate) expr: String,
    pub(crate) wait: &'static str,
    pub(crate) severity: &'static str,
    /// What is wrong, with labels as `{{ $labels.table }}`.
    pub(crate) says: String,
    /// What to do.
    pub(crate) mend: String,
}

/// A panel of the dashboard: several expressions over time.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    pub(crate) stacked: bool,
    /// Each with its legend.
    pub(crate) lines: Vec<(String, String)>,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// The project.
    pub project: String,
    /// Its own tables, as Postgres writes them.
    pub tables: Vec<String>,
    /// In the order of the pages.
    pub queries: Vec<Query>,
    pub(crate) alerts: Vec<(&'static str, Vec<Alert>)>,
    pub(crate) panels: Vec<(&'static str, Vec<Panel>)>,
    /// Columns that the queries read, by schema and table; none: rows are counted, by a column that is the key.
    pub(crate) reads: BTreeMap<(SmolStr, SmolStr), BTreeSet<SmolStr>>,
    /// Tables of the platform that they read whole, where those are there.
    pub(crate) platform: Vec<&'static str>,
    pub(crate) is_supabase: bool,
}

/// Text as YAML has it between quotes; JSON is the same there.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Watch {
    pub(crate) fn read(&mut self, schema: &SmolStr, table: &SmolStr, column: &SmolStr) {
        self.reads.entry((schema.clone(), table.clone())).or_default().insert(column.clone());
    }

    /// The queries as `postgres_exporter` reads them.
    pub(crate) fn yaml(&self) -> String {
        let mut out = format!("# {MARK}\n{TABLES}{}\n", serde_json::Value::from(self.tables.clone()));
        for query in &self.queries {
            let _ = write!(out, "\n{}:\n  query: {}\n", query.name, quoted(&query.sql));
            if query.kept > 0 {
                let _ = writeln!(out, "  cache_seconds: {}", query.kept);
            }
            out.push_str("  metrics:\n");
            for metric in &query.metrics {
                let usage = match metric.usage {
                    Usage::Label => "LABEL",
                    Usage::Gauge => "GAUGE",
                    Usage::Counter => "COUNTER",
                };
                let _ = write!(
                    out,
                    "    - {}:\n        usage: {usage}\n        description: {}\n",
                    metric.name,
                    quoted(metric.says)
                );
            }
        }
        out
    }
}
