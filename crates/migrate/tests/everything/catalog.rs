//! A catalog by hand that has every kind of object, and most of what each can say.

use specc_catalog::*;

pub fn column(name: &str, ty: &str) -> Column {
    Column::new(name, DataType::builtin(ty))
}

pub fn nullable(name: &str, ty: &str) -> Column {
    Column { nullable: true, ..column(name, ty) }
}

pub fn with_default(name: &str, ty: &str, default: &str) -> Column {
    Column { default: Some(SqlExpr::new(default)), ..column(name, ty) }
}

pub fn own(name: &str) -> DataType {
    DataType { schema: "public".into(), ..DataType::builtin(name) }
}

pub fn table(name: &str, columns: Vec<Column>) -> Table {
    Table {
        table: TableName::new("public", name),
        columns,
        unlogged: false,
        partition_by: None,
        partition_of: None,
        rls: Rls::On,
        options: Default::default(),
        replica_identity: None,
        inherits: Vec::new(),
    }
}

pub fn constraint(table: &str, name: &str, rule: Rule) -> Constraint {
    Constraint {
        table: TableName::new("public", table),
        name: name.into(),
        rule,
        deferrable: false,
        initially_deferred: false,
        not_valid: false,
    }
}

pub fn key(table: &str, columns: &[&str]) -> Constraint {
    let columns = columns.iter().map(|&c| c.into()).collect();
    constraint(table, &format!("{table}_pkey"), Rule::PrimaryKey { columns, include: vec![] })
}

pub fn reference(table: &str, column: &str, target: TableName, on_delete: Action) -> Constraint {
    let rule = Rule::ForeignKey(ForeignKey {
        columns: vec![column.into()],
        target,
        target_columns: vec!["id".into()],
        on_delete,
        on_delete_columns: vec![],
        on_update: Action::NoAction,
        match_full: false,
    });
    constraint(table, &format!("{table}_{column}_fkey"), rule)
}

pub fn check(table: &str, name: &str, text: &str) -> Constraint {
    constraint(table, name, Rule::Check { expr: SqlExpr::new(text), no_inherit: false })
}

pub fn index(table: &str, name: &str, keys: Vec<IndexKey>) -> Index {
    Index {
        table: TableName::new("public", table),
        name: name.into(),
        unique: false,
        method: "btree".into(),
        keys,
        include: vec![],
        filter: None,
        options: Default::default(),
        nulls_not_distinct: false,
    }
}

pub fn expr_key(text: &str) -> IndexKey {
    IndexKey { on: KeyOn::Expr(SqlExpr::new(text)), ..IndexKey::column("") }
}

pub fn function(schema: &str, name: &str, language: &str, returns: Option<Returns>, body: Body) -> Function {
    Function {
        schema: schema.into(),
        name: name.into(),
        procedure: false,
        params: vec![],
        returns,
        language: language.into(),
        body,
        volatility: Volatility::Volatile,
        strict: false,
        parallel: None,
        leakproof: false,
        security_definer: false,
        cost: None,
        rows: None,
        settings: vec![("search_path".into(), "".into())],
    }
}

pub fn param(mode: &str, name: &str, ty: &str, default: Option<&str>) -> Param {
    Param { mode: mode.into(), name: name.into(), ty: DataType::builtin(ty), default: default.map(SqlExpr::new) }
}

pub fn policy(table: &str, name: &str, command: Command, roles: &[&str], using: Option<&str>) -> Policy {
    Policy {
        table: TableName::new("public", table),
        name: name.into(),
        permissive: true,
        command,
        roles: roles.iter().map(|&r| r.into()).collect(),
        using: using.map(SqlExpr::new),
        check: None,
    }
}

pub fn grant(on: ObjectId, to: &str, privileges: &[&str]) -> Grant {
    let one = |&name: &&str| Privilege { name: name.into(), columns: vec![], grantable: false };
    Grant { on, to: to.into(), privileges: privileges.iter().map(one).collect() }
}

pub fn public(name: &str) -> TableName {
    TableName::new("public", name)
}

fn function_id(schema: &str, name: &str, part: &str) -> ObjectId {
    ObjectId::new(Kind::Function, schema, name).part(part)
}

/// Adds objects with a comment or recorded needs where they have one.
struct Adder(Catalog);

impl Adder {
    fn add(&mut self, object: impl Into<Object>) -> &mut Entry {
        let object = object.into();
        let id = object.id();
        assert!(self.0.insert(Entry { area: "everything".into(), ..Entry::new(object) }).is_none(), "{id} twice");
        self.0.get_mut(&id).unwrap()
    }

    fn needing(&mut self, object: impl Into<Object>, on: &[(ObjectId, &str)]) {
        self.add(object).depends = on.iter().map(|(id, why)| Dependency::new(id.clone(), *why)).collect();
    }
}

/// Every kind of object; on the emulated platform unless `platform` is false.
pub fn everything(platform: bool) -> Catalog {
    let mut all = Adder(Catalog::new());
    if platform {
        all.0.default_grantees.objects = ["anon", "authenticated", "service_role"].map(Into::into).to_vec();
    }
    let signed_in = if platform { "authenticated" } else { "specc_member" };
    let options = vec!["nologin".into()];
    all.add(Role { name: "specc_member".into(), options: options.clone(), member_of: vec![] });
    let member_of = vec!["specc_member".into()];
    all.add(Role { name: "specc_editor".into(), options, member_of });
    basics(&mut all);
    events(&mut all, platform);
    structure(&mut all);
    behaviour(&mut all);
    access(&mut all, signed_in, platform);
    rows(&mut all, platform);
    all.0
}

fn basics(all: &mut Adder) {
    all.add(Schema { name: "private".into() }).comment = Some("not for the API".into());
    all.add(Extension { name: "btree_gist".into(), schema: "private".into(), version: None });
    let labels = ["draft", "published", "it's over"].map(Into::into).to_vec();
    all.add(Enum { schema: "public".into(), name: "event_status".into(), labels }).comment =
        Some("where an event stands".into());
    all.add(Domain {
        schema: "public".into(),
        name: "slug".into(),
        base: DataType::builtin("text"),
        nullable: false,
        collation: Some(Qualified::new("pg_catalog", "C")),
        default: None,
        checks: vec![("slug_is_short".into(), SqlExpr::new("length(value) <= 40"))],
    });
    all.add(Composite {
        schema: "public".into(),
        name: "point3".into(),
        fields: ["x", "y", "z"].map(|n| (n.into(), DataType::builtin("double precision"), None)).to_vec(),
    });
    all.add(Sequence {
        schema: "public".into(),
        name: "invoice_number".into(),
        ty: Some(DataType::builtin("int")),
        options: SequenceOptions { start: Some(1000), increment: Some(2), ..Default::default() },
        owned_by: Some((public("invoices"), "number".into())),
    });
}

fn events(all: &mut Adder, platform: bool) {
    // Two tables that refer to each other, so that one reference has to wait.
    let mut profiles = vec![column("id", "uuid"), with_default("display name", "text", "'unnamed'")];
    profiles.push(nullable("favourite", "uuid"));
    all.add(table("profiles", profiles)).comment = Some("people; it's \"them\"".into());
    all.add(key("profiles", &["id"]));
    all.add(reference("profiles", "favourite", public("events"), Action::SetNull));
    if platform {
        all.add(reference("profiles", "id", TableName::new("auth", "users"), Action::Cascade));
    }
    let mut title = column("title", "text");
    title.comment = Some("what it is called".into());
    title.collation = Some(Box::new(Qualified::new("pg_catalog", "C")));
    title.storage = Some(Box::new("external".into()));
    let mut status = Column::new("status", own("event_status"));
    status.default = Some(SqlExpr::new("'draft'::public.event_status"));
    let mut length = nullable("title_length", "int");
    length.generated = Some(Box::new(SqlExpr::new("length(title)")));
    let tags = DataType { dims: 1, ..DataType::builtin("text") };
    let price = DataType { args: vec![12, 2], ..DataType::builtin("numeric") };
    let columns = vec![
        with_default("id", "uuid", "gen_random_uuid()"),
        column("organizer", "uuid"),
        Column::new("handle", own("slug")),
        title,
        status,
        Column { default: Some(SqlExpr::new("'{}'")), ..Column::new("tags", tags) },
        Column { default: Some(SqlExpr::new("0")), ..Column::new("price", price) },
        Column { nullable: true, ..Column::new("place", own("point3")) },
        with_default("starts_at", "timestamp", "now() at time zone 'utc'"),
        nullable("ends_at", "timestamp"),
        length,
        with_default("user", "text", "current_user"),
    ];
    let mut events = table("events", columns);
    events.options = [("autovacuum_vacuum_scale_factor".into(), "0.05".into()), ("fillfactor".into(), "80".into())]
        .into_iter()
        .collect();
    events.replica_identity = Some("full".into());
    events.rls = Rls::Forced;
    all.add(events).comment = Some("something to go to".into());
    all.add(key("events", &["id"]));
    let mut organizer = reference("events", "organizer", public("profiles"), Action::Restrict);
    organizer.deferrable = true;
    organizer.initially_deferred = true;
    all.add(organizer);
    all.add(check("events", "ends after start", "ends_at is null or ends_at > starts_at")).comment =
        Some("time runs forward".into());
    let rule = Rule::Unique { columns: vec!["handle".into()], include: vec!["title".into()], nulls_not_distinct: true };
    all.add(constraint("events", "events_handle_key", rule));
    let overlap = expr_key("tsrange(starts_at, ends_at)");
    let elements = vec![(IndexKey::column("organizer"), "=".into()), (overlap, "&&".into())];
    let filter = Some(SqlExpr::new("status <> 'draft'"));
    all.add(constraint("events", "one_at_a_time", Rule::Exclude { method: "gist".into(), elements, filter }));
    let mut late = check("events", "price_is_not_negative", "price >= 0");
    late.not_valid = true;
    all.add(late);
    // Indexes.
    let mut newest = IndexKey::column("starts_at");
    newest.desc = true;
    newest.nulls_first = Some(false);
    let mut recent = index("events", "events_recent_idx", vec![IndexKey::column("status"), newest]);
    recent.filter = Some(SqlExpr::new("ends_at is null"));
    recent.include = vec!["title".into(), "price".into()];
    all.add(recent).comment = Some("for the front page".into());
    let mut tags = index("events", "events_tags_idx", vec![IndexKey::column("tags")]);
    tags.method = "gin".into();
    tags.options = [("fastupdate".into(), "off".into())].into_iter().collect();
    all.add(tags);
    let mut lower = expr_key("lower(title)");
    lower.opclass = Some(Box::new(Qualified::new("pg_catalog", "text_pattern_ops")));
    let mut lower = index("events", "events_lower_title_idx", vec![lower, IndexKey::column("organizer")]);
    lower.unique = true;
    lower.nulls_not_distinct = true;
    all.add(lower);
}

fn structure(all: &mut Adder) {
    let mut invoices = table(
        "invoices",
        vec![
            with_default("number", "int", "nextval('public.invoice_number'::regclass)"),
            with_default("reference", "text", "public.next_reference()"),
        ],
    );
    invoices.rls = Rls::Off;
    let needs = [
        (ObjectId::new(Kind::Sequence, "public", "invoice_number"), "the default of its column number reads this"),
        (function_id("public", "next_reference", ""), "the default of its column reference calls this"),
    ];
    all.needing(invoices, &needs);
    all.add(key("invoices", &["number"]));
    // Reads the table whose default calls it: the default is set afterwards.
    let body = Body::Atomic("select 'INV-' || (count(*) + 1) from public.invoices".into());
    let mut next = function("public", "next_reference", "sql", Some(Returns::Type(DataType::builtin("text"))), body);
    next.volatility = Volatility::Stable;
    all.needing(next, &[(public("invoices").id(), "its body reads this")]);
    // Partitions, added before their parent.
    let bounds = |from: &str, to: &str| Bounds::Range { from: vec![SqlExpr::new(from)], to: vec![SqlExpr::new(to)] };
    for (name, bounds) in [("visits_2026", bounds("'2026-01-01'", "'2027-01-01'")), ("visits_rest", Bounds::Default)] {
        let mut part = table(name, vec![]);
        part.partition_of = Some((public("visits"), bounds));
        all.add(part);
    }
    all.add(check("visits_2026", "of_the_year", "at >= '2026-01-01'::timestamptz"));
    let mut visits = table("visits", vec![column("event_id", "uuid"), column("at", "timestamptz")]);
    visits.partition_by = Some(PartitionBy { method: "range".into(), keys: vec![IndexKey::column("at")] });
    all.add(visits);
    all.add(key("visits", &["event_id", "at"]));
    all.add(reference("visits", "event_id", public("events"), Action::Cascade));
    let mut scratch = table("scratch", vec![nullable("note", "text")]);
    scratch.unlogged = true;
    all.add(scratch);
    let mut id = column("id", "int");
    id.identity = Some(Box::new((true, SequenceOptions { start: Some(10), cycle: true, ..Default::default() })));
    let mut other = column("other", "bigint");
    other.identity = Some(Box::default());
    let plans = vec![id, column("name", "text"), nullable("features", "json"), other];
    all.add(table("plans", plans));
    all.add(key("plans", &["id"]));
    let rule = Rule::Unique { columns: vec!["name".into()], include: vec![], nulls_not_distinct: false };
    all.add(constraint("plans", "plans_name_key", rule));
    // Views.
    let view = |name: &str, query: &str| View {
        view: public(name),
        columns: vec![],
        query: query.into(),
        materialized: false,
        security_invoker: true,
        security_barrier: false,
        check_option: None,
        no_data: false,
    };
    let mut cheap =
        view("cheap_events", "select id, title, price\nfrom public.events -- all of them\nwhere price < 10");
    cheap.check_option = Some("local".into());
    let reads = |name: &str| [(public(name).id(), "it reads this")];
    all.needing(cheap, &reads("events"));
    all.0.get_mut(&ObjectId::new(Kind::View, "public", "cheap_events")).unwrap().comment = Some("for students".into());
    let mut totals = view("totals", "select status, count(*) from public.events group by status");
    totals.columns = vec!["status".into(), "n".into()];
    totals.materialized = true;
    totals.security_invoker = false;
    totals.no_data = true;
    all.needing(totals, &reads("events"));
    let mut unique = index("totals", "totals_status_idx", vec![IndexKey::column("status")]);
    unique.unique = true;
    all.add(unique);
}

fn behaviour(all: &mut Adder) {
    let trigger = || Some(Returns::Type(DataType::builtin("trigger")));
    let body = "\nbegin\n  -- $$ is no end\n  new.title := trim(new.title);\n  return new;\nend\n";
    all.add(function("public", "tidy", "plpgsql", trigger(), Body::Text(body.into()))).comment =
        Some("runs before each write".into());
    let body = "begin perform count(*) from gone; return null; end";
    all.add(function("public", "told", "plpgsql", trigger(), Body::Text(body.into())));
    let base = Trigger {
        table: public("events"),
        name: "tidy".into(),
        timing: Timing::Before,
        events: vec![("insert".into(), vec![]), ("update".into(), vec!["title".into(), "user".into()])],
        per_row: true,
        old_table: None,
        new_table: None,
        when: Some(SqlExpr::new("new.title <> ''")),
        function: Qualified::new("public", "tidy"),
        args: vec!["it's".into(), "b".into()],
        constraint: false,
        initially_deferred: false,
        enabled: Default::default(),
    };
    all.add(base.clone()).comment = Some("tidies".into());
    all.add(Trigger {
        name: "told".into(),
        timing: Timing::After,
        events: vec![("delete".into(), vec![])],
        per_row: false,
        old_table: Some("gone".into()),
        when: None,
        function: Qualified::new("public", "told"),
        args: vec![],
        ..base.clone()
    });
    all.add(Trigger {
        name: "later".into(),
        timing: Timing::After,
        events: vec![("insert".into(), vec![])],
        when: None,
        constraint: true,
        initially_deferred: true,
        ..base
    });
    let mut many = function(
        "public",
        "find_events",
        "sql",
        Some(Returns::Table(vec![
            ("id".into(), DataType::builtin("uuid")),
            ("title".into(), DataType::builtin("text")),
        ])),
        Body::Text("select e.id, e.title from public.events e where e.title ilike wanted limit at_most".into()),
    );
    many.params = vec![
        param("in", "wanted", "text", None),
        param("in", "from_the_first_moment_on", "timestamptz", Some("'-infinity'")),
        param("in", "to_the_last_moment", "timestamptz", Some("'infinity'")),
        param("in", "at_most", "int", Some("10")),
    ];
    many.volatility = Volatility::Stable;
    many.rows = Some("50".into());
    many.cost = Some("200".into());
    many.strict = true;
    many.parallel = Some("safe".into());
    many.settings = vec![("search_path".into(), "public, pg_temp".into()), ("statement_timeout".into(), "5s".into())];
    all.needing(many, &[(public("events").id(), "its body reads this")]);
    let mut archive =
        function("public", "archive", "sql", None, Body::Atomic("  delete from public.scratch;\n  select 1;".into()));
    archive.procedure = true;
    archive.params = vec![param("in", "days", "int", None)];
    all.needing(archive, &[(public("scratch").id(), "its body writes to this")]);
    let mut whole = function(
        "public",
        "headline",
        "sql",
        Some(Returns::Type(DataType::builtin("text"))),
        Body::Atomic("return e.title".into()),
    );
    whole.params = vec![Param { mode: "in".into(), name: "e".into(), ty: own("events"), default: None }];
    whole.volatility = Volatility::Immutable;
    all.add(whole);
    let mut split = function("public", "split", "sql", None, Body::Text("select 1, 2".into()));
    split.params = vec![param("out", "a", "int", None), param("out", "b", "int", None)];
    all.add(split);
    all.add(Sql {
        last: false,
        name: "statistics".into(),
        up: "create statistics public.events_stats (dependencies)\n  on organizer, status from public.events".into(),
        down: Some("drop statistics public.events_stats;".into()),
        provides: vec![],
    });
    let statistics = all.0.get_mut(&ObjectId::new(Kind::Sql, "", "statistics")).unwrap();
    statistics.depends = vec![Dependency::new(public("events").id(), "it is about this")];
}

fn access(all: &mut Adder, signed_in: &str, platform: bool) {
    // A helper that only policies need.
    let set = Some(Returns::SetOf(DataType::builtin("uuid")));
    let body = Body::Atomic("select id from public.events where status = 'published'".into());
    let mut helper = function("private", "open_events", "sql", set, body);
    helper.security_definer = true;
    helper.volatility = Volatility::Stable;
    helper.parallel = Some("safe".into());
    all.needing(helper, &[(public("events").id(), "its body reads this")]);
    let open = function_id("private", "open_events", "");
    all.add(grant(ObjectId::new(Kind::Schema, "", "private"), signed_in, &["usage"]));
    all.add(grant(open.clone(), signed_in, &["execute"]));
    all.add(grant(function_id("public", "headline", "public.events"), "public", &["execute"]));
    all.add(grant(function_id("public", "archive", "int"), "specc_editor", &["execute"]));
    all.add(grant(ObjectId::new(Kind::Enum, "public", "event_status"), "specc_editor", &["usage"]));
    all.add(grant(ObjectId::new(Kind::Sequence, "public", "invoice_number"), "specc_editor", &["usage"]));
    all.add(grant(ObjectId::new(Kind::View, "public", "cheap_events"), "specc_member", &["select"]));
    all.add(grant(public("events").id(), "specc_member", &["select"]));
    all.add(grant(public("events").id(), "specc_editor", &["select"]));
    let mut some = grant(public("profiles").id(), "specc_editor", &["delete", "insert", "update"]);
    some.privileges[0].grantable = true;
    some.privileges[2].columns = vec!["display name".into(), "favourite".into()];
    all.add(some);
    all.add(grant(ObjectId::new(Kind::Schema, "", "public"), "specc_member", &["usage"]));
    let long = "status = 'published' and (starts_at > now() or ends_at is null) and organizer is not null or price = 0";
    all.add(policy("events", "published ones", Command::Select, &[], Some(long))).comment = Some("for all".into());
    let mut write = policy("events", "editors_write", Command::All, &["specc_editor", "specc_member"], Some("true"));
    write.check = Some(SqlExpr::new("title <> ''\n  and price >= 0"));
    all.add(write);
    let mut never = policy("visits", "only_open", Command::Insert, &[signed_in], None);
    never.permissive = false;
    never.check = Some(SqlExpr::new("event_id = any(array(select private.open_events()))"));
    all.needing(never, &[(open, "its condition calls this")]);
    if !platform {
        all.add(Publication { name: "changes".into() });
    }
    let publication: smol_str::SmolStr = if platform { "supabase_realtime" } else { "changes" }.into();
    all.add(PublicationTable {
        publication: publication.clone(),
        table: public("events"),
        columns: vec!["id".into(), "title".into(), "price".into()],
        filter: None,
    });
    all.add(PublicationTable {
        publication,
        table: public("profiles"),
        columns: vec![],
        filter: Some(SqlExpr::new("id is not null")),
    });
}

fn rows(all: &mut Adder, platform: bool) {
    let row = |values: &[&str]| values.iter().map(|&v| SqlExpr::new(v)).collect::<Vec<_>>();
    all.add(Seed {
        table: public("plans"),
        order: 0,
        columns: ["id", "name", "features"].map(Into::into).to_vec(),
        key: vec!["id".into()],
        rows: vec![row(&["1", "'Free'", "null"]), row(&["20", "'it''s more'", "'{\"seats\": 5}'"])],
        update: true,
        restart: Some("id".into()),
    });
    all.add(Seed {
        table: public("plans"),
        order: 1,
        columns: vec!["name".into()],
        key: vec!["name".into()],
        rows: vec![row(&["'Other'"])],
        update: true,
        restart: None,
    });
    if platform {
        let mime_types = vec!["image/png".into(), "image/webp".into()];
        all.add(Bucket { id: "avatars".into(), public: true, size_limit: Some(1 << 20), mime_types });
        all.add(Bucket { id: "papers".into(), public: false, size_limit: None, mime_types: vec![] });
    }
}

/// A job, which only a server with the extension can run.
pub fn job() -> Job {
    Job { name: "clean up".into(), schedule: "0 3 * * *".into(), command: "delete from public.scratch".into() }
}
