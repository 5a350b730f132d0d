//! Orders and circles, by small examples.

#![allow(clippy::unwrap_used)]

use specc_catalog::*;

fn table(name: &str) -> Table {
    Table {
        table: TableName::new("public", name),
        columns: vec![],
        unlogged: false,
        partition_by: None,
        partition_of: None,
        rls: Rls::On,
        options: Default::default(),
        replica_identity: None,
        inherits: Vec::new(),
    }
}

fn function(name: &str, language: &str, body: Body) -> Function {
    Function {
        schema: "public".into(),
        name: name.into(),
        procedure: false,
        params: vec![],
        returns: Some(Returns::Type(DataType::builtin("text"))),
        language: language.into(),
        body,
        volatility: Volatility::Volatile,
        strict: false,
        parallel: None,
        leakproof: false,
        security_definer: false,
        cost: None,
        rows: None,
        settings: vec![],
    }
}

fn constraint(table: &str, name: &str, rule: Rule) -> Constraint {
    Constraint {
        table: TableName::new("public", table),
        name: name.into(),
        rule,
        deferrable: false,
        initially_deferred: false,
        not_valid: false,
    }
}

fn reference(table: &str, target: &str) -> Constraint {
    let rule = Rule::ForeignKey(ForeignKey {
        columns: vec![target.into()],
        target: TableName::new("public", target),
        target_columns: vec!["id".into()],
        on_delete: Action::NoAction,
        on_delete_columns: vec![],
        on_update: Action::NoAction,
        match_full: false,
    });
    constraint(table, &format!("{table}_{target}_fkey"), rule)
}

fn key(table: &str) -> Constraint {
    constraint(table, &format!("{table}_pkey"), Rule::PrimaryKey { columns: vec!["id".into()], include: vec![] })
}

fn needing(object: impl Into<Object>, on: &[(&Object, &str)]) -> Entry {
    let depends = on.iter().map(|(object, why)| Dependency::new(object.id(), *why)).collect();
    Entry { depends, ..Entry::new(object) }
}

fn names(catalog: &Catalog) -> Vec<String> {
    creation_order(catalog).unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn tables_come_after_those_they_refer_to_unless_they_refer_to_each_other() {
    let mut catalog = Catalog::new();
    catalog.insert(Entry::new(table("orders")));
    catalog.insert(Entry::new(reference("orders", "customers")));
    catalog.insert(Entry::new(table("customers")));
    catalog.insert(Entry::new(key("customers")));
    assert_eq!(
        names(&catalog),
        [
            "table public.customers",
            "table public.orders",
            "constraint public.customers_pkey on customers",
            "constraint public.orders_customers_fkey on orders"
        ]
    );
    catalog.insert(Entry::new(reference("customers", "orders")));
    assert_eq!(names(&catalog).len(), 5);
    let needs = catalog
        .dependencies_of(&reference("orders", "customers").table.part(Kind::Constraint, "orders_customers_fkey"));
    let whys: Vec<_> = needs.iter().map(|need| format!("{} because {}", need.on, need.why)).collect();
    assert_eq!(
        whys,
        [
            "table public.orders because it is a constraint of this table",
            "table public.customers because it refers to this table",
            "constraint public.customers_pkey on customers because its key is what the reference points to"
        ]
    );
}

#[test]
fn types_come_first_and_say_which_column_has_them() {
    let mut events = table("events");
    events.columns = vec![
        Column::new("status", DataType { schema: "public".into(), ..DataType::builtin("event_status") }),
        Column::new("embedding", DataType { args: vec![3], ..DataType::builtin("vector") }),
    ];
    let mut catalog = Catalog::new();
    catalog.insert(Entry::new(events.clone()));
    catalog.insert(Entry::new(Enum { schema: "public".into(), name: "event_status".into(), labels: vec![] }));
    catalog.insert(Entry::new(Extension { name: "vector".into(), schema: "".into(), version: None }));
    assert_eq!(names(&catalog), ["extension vector", "enum public.event_status", "table public.events"]);
    let needs = catalog.dependencies_of(&events.table.id());
    let whys: Vec<_> = needs.iter().map(|need| need.why.as_str()).collect();
    assert_eq!(whys, ["its column status has this type", "its column embedding has this type"]);
}

#[test]
fn a_body_that_is_not_read_when_it_is_made_gives_way() {
    let body = Body::Text("begin return (select max(id) from public.events); end".into());
    let next: Object = function("next", "plpgsql", body).into();
    let mut events = table("events");
    let mut id = Column::new("id", DataType::builtin("text"));
    id.default = Some(SqlExpr::new("public.next()"));
    events.columns = vec![id];
    let events: Object = events.into();
    let mut catalog = Catalog::new();
    catalog.insert(needing(events.clone(), &[(&next, "the default of its column id calls this")]));
    catalog.insert(needing(next.clone(), &[(&events, "its body reads this")]));
    assert_eq!(names(&catalog), ["function public.next()", "table public.events"]);
    assert_eq!(order(&catalog).unwrap().late_defaults(), []);

    // A body that Postgres reads at once: the default waits.
    let next: Object = function("next", "sql", Body::Atomic("select max(id) from public.events".into())).into();
    catalog.insert(needing(next, &[(&events, "its body reads this")]));
    assert_eq!(names(&catalog), ["table public.events", "function public.next()"]);
    assert_eq!(order(&catalog).unwrap().late_defaults(), [(0, 1)]);
}

#[test]
fn a_circle_that_nothing_can_break_is_told_in_words() {
    let view = |name: &str| View {
        view: TableName::new("public", name),
        columns: vec![],
        query: "select 1".into(),
        materialized: false,
        security_invoker: true,
        security_barrier: false,
        check_option: None,
        no_data: false,
    };
    let totals: Object = view("totals").into();
    let sum: Object = function("sum_of", "sql", Body::Text("select count(*)::text from public.totals".into())).into();
    let mut catalog = Catalog::new();
    catalog.insert(needing(totals.clone(), &[(&sum, "its query calls this")]));
    catalog.insert(needing(sum, &[(&totals, "its body reads this")]));
    let cycle = order(&catalog).unwrap_err();
    assert_eq!(
        cycle.to_string(),
        "these need each other, so none of them can be made first:\n  \
         function public.sum_of() needs view public.totals because its body reads this\n  \
         view public.totals needs function public.sum_of() because its query calls this"
    );
    let mut ids: Vec<_> = cycle.path.iter().map(|(id, _)| id.kind).collect();
    ids.sort_unstable();
    assert_eq!(ids, [Kind::Function, Kind::View]);
}
