//! What is asked of a spec's own tables, and what of them is an alert.

use crate::server;
use crate::upkeep::{calls, jobs, partitions, retention, seeds};
use crate::watch::{Alert, Metric, Panel, Query, Usage, Watch, quoted};
use specc_catalog::{Catalog, Object};
use specc_facts::{Family, family};
use specc_lower::expr::read_of_row;
use specc_model::formula::Formula;
use specc_model::{Base, Entity, FieldIx, Model, Target};
use specc_sql::quote::{ident, literal, qualified};

/// How a query calls the row that it looks at.
pub(crate) const ROW: &str = "watched";

/// What reads rows is asked once in five minutes.
pub(crate) const KEPT: u32 = 300;

pub(crate) fn label(name: &'static str, says: &'static str) -> Metric {
    Metric { name, usage: Usage::Label, says }
}

pub(crate) fn gauge(name: &'static str, says: &'static str) -> Metric {
    Metric { name, usage: Usage::Gauge, says }
}

pub(crate) fn counter(name: &'static str, says: &'static str) -> Metric {
    Metric { name, usage: Usage::Counter, says }
}

/// All that is asked of a spec. `project`: its name.
pub(crate) fn of(model: &Model, catalog: &Catalog, project: &str) -> Watch {
    let mut watch = Watch {
        project: project.to_owned(),
        is_supabase: model.options.target == Target::Supabase,
        ..Watch::default()
    };
    server::add(&mut watch);
    tables(&mut watch, catalog);
    workflows(&mut watch, model);
    limits(&mut watch, model);
    jobs(&mut watch, catalog);
    calls(&mut watch, model);
    seeds(&mut watch, catalog);
    retention(&mut watch, model);
    partitions(&mut watch, model);
    watch
}

pub(crate) fn own(model: &Model) -> impl Iterator<Item = &Entity> {
    model.entities.iter().filter(|entity| !entity.external)
}

pub(crate) fn table(entity: &Entity) -> String {
    qualified(&entity.name.schema, &entity.name.name)
}

/// A condition over the row, whose columns are noted as read.
fn condition(watch: &mut Watch, model: &Model, entity: &Entity, formula: &Formula) -> String {
    let lowered = read_of_row(model, entity.id, ROW, formula);
    for column in &lowered.columns {
        watch.read(&entity.name.schema, &entity.name.name, column);
    }
    lowered.text.to_string()
}

/// The rows that count: those that a standing rule does not hide.
fn rows(watch: &mut Watch, model: &Model, entity: &Entity, more: &[String]) -> String {
    let visible = entity.visible.as_ref().map(|visible| condition(watch, model, entity, &visible.formula));
    let all: Vec<String> = visible.into_iter().chain(more.iter().cloned()).map(|one| format!("({one})")).collect();
    let filter = if all.is_empty() { String::new() } else { format!(" where {}", all.join(" and ")) };
    format!("from {} as {ROW}{filter}", table(entity))
}

pub(crate) fn column(watch: &mut Watch, entity: &Entity, field: FieldIx) -> String {
    let name = &entity.fields[field].name;
    watch.read(&entity.name.schema, &entity.name.name, name);
    format!("{ROW}.{}", ident(name))
}

/// Names as literals in a row of `values`.
pub(crate) fn named(entity: &Entity) -> String {
    format!("{}, {}", literal(&entity.name.schema), literal(&entity.name.name))
}

pub(crate) fn alert(
    name: &str,
    expr: &str,
    wait: &'static str,
    severity: &'static str,
    says: &str,
    mend: &str,
) -> Alert {
    Alert { name: name.into(), expr: expr.into(), wait, severity, says: says.into(), mend: mend.into() }
}

pub(crate) fn panel(title: &str, unit: &'static str, lines: &[(&str, &str)]) -> Panel {
    let lines = lines.iter().map(|(expr, legend)| ((*expr).to_owned(), (*legend).to_owned())).collect();
    Panel { title: title.to_owned(), unit, stacked: false, lines }
}

/// What the server counts of each table.
fn tables(watch: &mut Watch, catalog: &Catalog) {
    let mut all = Vec::new();
    for (_, entry) in catalog.iter() {
        if let Object::Table(table) = &entry.object {
            all.push((table.table.schema.clone(), table.table.name.clone()));
        }
    }
    if all.is_empty() {
        return;
    }
    watch.tables = all.iter().map(|(schema, name)| qualified(schema, name)).collect();
    let values: Vec<String> =
        all.iter().map(|(schema, name)| format!("({}, {})", literal(schema), literal(name))).collect();
    watch.queries.push(Query {
        name: "specc_table",
        sql: format!(
            "select w.schema, w.relation, (c.oid is not null)::int as present, coalesce(s.n_live_tup, 0) as live_rows, \
             coalesce(s.n_dead_tup, 0) as dead_rows, coalesce(pg_total_relation_size(c.oid), 0) as bytes, \
             coalesce(s.seq_scan, 0) as scans, coalesce(s.seq_tup_read, 0) as scanned_rows, coalesce(s.idx_scan, 0) as index_scans, \
             coalesce(s.n_tup_ins, 0) as inserted, coalesce(s.n_tup_upd, 0) as updated, coalesce(s.n_tup_del, 0) as deleted, \
             coalesce(s.n_mod_since_analyze, 0) as changed_since_analyze \
             from (values {}) as w (schema, relation) left join pg_namespace n on n.nspname = w.schema \
             left join pg_class c on c.relnamespace = n.oid and c.relname = w.relation \
             left join pg_stat_all_tables s on s.relid = c.oid",
            values.join(", ")
        ),
        kept: 0,
        metrics: vec![
            label("schema", "The schema"),
            label("relation", "The table"),
            gauge("present", "Whether the table is there"),
            gauge("live_rows", "Rows, by estimate"),
            gauge("dead_rows", "Rows that are no more and take room, by estimate"),
            gauge("bytes", "Size with indexes and long values"),
            counter("scans", "How often it was read from end to end"),
            counter("scanned_rows", "Rows that were read so"),
            counter("index_scans", "How often it was read by an index"),
            counter("inserted", "Rows that were inserted"),
            counter("updated", "Rows that were changed"),
            counter("deleted", "Rows that were deleted"),
            gauge("changed_since_analyze", "Rows that changed since the planner looked"),
        ],
    });
    watch.alerts.push((
        "tables",
        vec![
            alert(
                "SpeccTableMissing",
                "specc_table_present == 0",
                "5m",
                "critical",
                "the table {{ $labels.schema }}.{{ $labels.relation }} of the spec is not there",
                "specc status says which migrations are pending; specc drift what differs",
            ),
            alert(
                "SpeccDeadRows",
                "specc_table_dead_rows > 10000 and specc_table_dead_rows > specc_table_live_rows * 0.5",
                "1h",
                "warning",
                "more than a third of {{ $labels.schema }}.{{ $labels.relation }} are rows that are no more",
                "see what keeps autovacuum from it: specc audit --only dead_rows,long_transaction",
            ),
            alert(
                "SpeccLargeTableScanned",
                "rate(specc_table_scans[30m]) > 0.05 and specc_table_live_rows > 100000",
                "30m",
                "warning",
                "{{ $labels.schema }}.{{ $labels.relation }} is large and read from end to end again and again",
                "find the query (pg_stat_statements), and give it an index: specc audit --only large_table_scanned,unindexed_foreign_keys",
            ),
            alert(
                "SpeccNotAnalyzed",
                "specc_table_changed_since_analyze > 50000 and specc_table_changed_since_analyze > specc_table_live_rows * 0.5",
                "2h",
                "info",
                "half of {{ $labels.schema }}.{{ $labels.relation }} changed since the planner looked at it",
                "analyze it, and see that autovacuum is on",
            ),
        ],
    ));
    let by = "{{schema}}.{{relation}}";
    watch.panels.push((
        "Tables",
        vec![
            panel("Rows", "short", &[("topk(20, specc_table_live_rows)", by)]),
            panel("Size", "bytes", &[("topk(20, specc_table_bytes)", by)]),
            panel(
                "Written",
                "ops",
                &[(
                    "topk(20, rate(specc_table_inserted[5m]) + rate(specc_table_updated[5m]) + rate(specc_table_deleted[5m]))",
                    by,
                )],
            ),
            panel("Dead rows", "short", &[("topk(20, specc_table_dead_rows)", by)]),
            panel("Read from end to end", "ops", &[("topk(20, rate(specc_table_scanned_rows[5m]))", by)]),
        ],
    ));
}

/// How many rows are in each state, and for how long the oldest has been.
fn workflows(watch: &mut Watch, model: &Model) {
    let mut parts = Vec::new();
    let mut panels = Vec::new();
    let mut left = Vec::new();
    for entity in own(model) {
        for workflow in &entity.workflows {
            let state = column(watch, entity, workflow.field);
            let since = ["updated_at", "created_at"].iter().find_map(|name| {
                let at = entity.fields.iter().position(|field| field.name == *name)?;
                is_time(entity, at).then_some(at)
            });
            let oldest = match since {
                Some(at) => {
                    let time = column(watch, entity, at);
                    format!("max(extract(epoch from clock_timestamp() - {time}))")
                }
                None => "null::numeric".to_owned(),
            };
            let states: Vec<String> = workflow.states.iter().map(|state| literal(state)).collect();
            let name = &entity.fields[workflow.field].name;
            let rows = rows(watch, model, entity, &[]);
            parts.push(format!(
                "select {}, {}, states.state, coalesce(found.rows, 0), coalesce(found.oldest, 0) \
                 from unnest(array[{}]) as states (state) left join (select {state}::text as state, count(*) as rows, \
                 {oldest} as oldest {rows} group by 1) as found on found.state = states.state",
                named(entity),
                literal(name),
                states.join(", ")
            ));
            let of = format!(
                "schema={},relation={},field={}",
                quoted(&entity.name.schema),
                quoted(&entity.name.name),
                quoted(name)
            );
            panels.push(Panel {
                title: format!("{}.{name}", entity.name.name),
                unit: "short",
                stacked: true,
                lines: vec![(format!("specc_workflow_rows{{{of}}}"), "{{state}}".to_owned())],
            });
            // A state that is begun in and left again: who is in it waits.
            if since.is_some() {
                for state in &workflow.states {
                    let waits =
                        workflow.initial.contains(state) && workflow.steps.iter().any(|step| step.from == *state);
                    if waits {
                        left.push(format!("specc_workflow_oldest_seconds{{{of},state={}}} > 2592000", quoted(state)));
                    }
                }
            }
        }
    }
    if parts.is_empty() {
        return;
    }
    watch.queries.push(Query {
        name: "specc_workflow",
        sql: format!(
            "select * from ({}) as all_of (schema, relation, field, state, rows, oldest_seconds)",
            parts.join(" union all ")
        ),
        kept: KEPT,
        metrics: vec![
            label("schema", "The schema"),
            label("relation", "The table"),
            label("field", "The column"),
            label("state", "The state"),
            gauge("rows", "Rows in this state"),
            gauge("oldest_seconds", "For how long the row that changed last of all has been as it is"),
        ],
    });
    if !left.is_empty() {
        watch.alerts.push((
            "workflows",
            vec![alert(
                "SpeccRowWaits",
                &left.join(" or "),
                "1h",
                "info",
                "a row of {{ $labels.relation }} has been {{ $labels.state }} for more than 30 days",
                "see who takes the next step, and whether it is still taken",
            )],
        ));
    }
    watch.panels.push(("Workflows", panels));
}

pub(crate) fn is_time(entity: &Entity, field: FieldIx) -> bool {
    let ty = &entity.fields[field].ty;
    ty.dims == 0
        && matches!(&ty.base, Base::Builtin(name) if name == "timestamptz" || name == "timestamp with time zone")
}

/// How full what has places is.
fn limits(watch: &mut Watch, model: &Model) {
    let mut parts = Vec::new();
    for entity in own(model) {
        for limit in &entity.limits {
            let taken = condition(watch, model, entity, &limit.condition.formula);
            let most = condition(watch, model, entity, &limit.to.formula);
            let per: Vec<String> = limit.per.iter().map(|field| column(watch, entity, *field)).collect();
            // What the number is read from: integers beside the key of what is referred to.
            for relation in entity.outgoing.iter().map(|id| model.relation(*id)) {
                if relation.fields.iter().any(|field| limit.per.contains(field)) {
                    let far = model.entity(relation.to);
                    for field in far.fields.iter().filter(|field| is_count(field)) {
                        watch.read(&far.name.schema, &far.name.name, &field.name);
                    }
                    for field in &relation.to_fields {
                        watch.read(&far.name.schema, &far.name.name, &far.fields[*field].name);
                    }
                }
            }
            let group = if per.is_empty() { String::new() } else { format!(" group by {}", per.join(", ")) };
            let rows = rows(watch, model, entity, &[taken]);
            parts.push(format!(
                "select {}, {}, count(*) filter (where places.taken >= places.most), count(*), \
                 coalesce(max(places.taken::float8 / nullif(places.most, 0)), 0) \
                 from (select count(*) as taken, min({most}) as most {rows}{group}) as places",
                named(entity),
                literal(&limit.name)
            ));
        }
    }
    if parts.is_empty() {
        return;
    }
    watch.queries.push(Query {
        name: "specc_limit",
        sql: format!(
            "select * from ({}) as all_of (schema, relation, limit_name, full_groups, groups, fullest_ratio)",
            parts.join(" union all ")
        ),
        kept: KEPT,
        metrics: vec![
            label("schema", "The schema"),
            label("relation", "The table"),
            label("limit_name", "The limit"),
            gauge("full_groups", "Of what has places, how many have none left"),
            gauge("groups", "How many have a place taken"),
            gauge("fullest_ratio", "The share of places that are taken where most are"),
        ],
    });
    watch.alerts.push((
        "limits",
        vec![alert(
            "SpeccLimitPassed",
            "specc_limit_fullest_ratio > 1",
            "10m",
            "warning",
            "more places are taken in {{ $labels.relation }} than the limit {{ $labels.limit_name }} has",
            "the limit was lowered, or its trigger was off: specc audit --only trigger_disabled,drift",
        )],
    ));
    let by = "{{relation}}: {{limit_name}}";
    watch.panels.push((
        "Limits",
        vec![
            panel("Fullest", "percentunit", &[("specc_limit_fullest_ratio", by)]),
            panel("Without a place", "short", &[("specc_limit_full_groups", by)]),
        ],
    ));
}

fn is_count(field: &specc_model::Field) -> bool {
    let is_integer = |name: &str| family(name) == Family::Integer;
    field.ty.dims == 0 && matches!(&field.ty.base, Base::Builtin(name) if is_integer(name))
}
