//! Catalogs that nobody wrote a spec for: odd names, every type and option, expressions as Postgres spells them.

mod support;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use smol_str::SmolStr;
use specc_catalog::*;
use specc_model::Target;
use specc_pull::{Options, pull};
use support::lower;

const NAMES: &[&str] = &[
    "events",
    "key",
    "Weird Name",
    "größe",
    "a.b",
    "it's",
    "q\"q",
    "select",
    "$dollar",
    "9lives",
    "check",
    "policy",
    "viewer",
    "unique",
    "on",
    "to",
    "index",
    "entity",
    "trigger",
    "a-b",
    "日本",
    "setof",
    "table",
    "null",
    "x",
    "id",
];

fn names(least: usize) -> impl Strategy<Value = Vec<SmolStr>> {
    subsequence(NAMES.to_vec(), least..6).prop_map(|list| list.into_iter().map(SmolStr::from).collect())
}

fn comment() -> impl Strategy<Value = Option<SmolStr>> {
    of(select(&["one line", "two\nlines", "  indented", "it's \"quoted\" $$", "a // b", "/* c */", "", "ends\n"][..]))
        .prop_map(|text| text.map(SmolStr::from).filter(|text| !text.is_empty()))
}

fn column_type() -> impl Strategy<Value = DataType> {
    let plain = select(
        &[
            "int",
            "bigint",
            "smallint",
            "text",
            "uuid",
            "boolean",
            "jsonb",
            "json",
            "date",
            "timestamptz",
            "timestamp",
            "time",
            "timetz",
            "interval",
            "bytea",
            "inet",
            "cidr",
            "macaddr",
            "real",
            "double precision",
            "money",
            "tsvector",
            "tstzrange",
            "int4multirange",
            "point",
            "xml",
            "name",
            "oid",
            "regclass",
            "bpchar",
            "numeric",
        ][..],
    )
    .prop_map(DataType::builtin);
    let sized = [
        ("varchar", vec![20]),
        ("char", vec![3]),
        ("numeric", vec![10, 2]),
        ("timestamptz", vec![3]),
        ("bit", vec![8]),
    ];
    let sized = select(sized.to_vec()).prop_map(|(name, args)| DataType { args, ..DataType::builtin(name) });
    let outside = select(&["citext", "geometry", "Odd Type"][..])
        .prop_map(|name| DataType { schema: "extensions".into(), ..DataType::builtin(name) });
    (prop_oneof![6 => plain, 3 => sized, 1 => outside], prop_oneof![4 => Just(0u8), 1 => Just(1), 1 => Just(2)])
        .prop_map(|(ty, dims)| DataType { dims, ..ty })
}

fn default() -> impl Strategy<Value = SqlExpr> {
    select(
        &[
            "now()",
            "'x'::text",
            "'it''s'::character varying",
            "CURRENT_TIMESTAMP",
            "'-1'::integer",
            "('now'::text)::date",
            "(now() AT TIME ZONE 'utc'::text)",
            "nextval('public.s'::regclass)",
            "ARRAY['a'::text, 'b'::text]",
            "CASE\n    WHEN true THEN 1\n    ELSE 2\nEND",
            "(1 OPERATOR(pg_catalog.+) 2)",
            "ROW(1, 'x'::text)",
            "$$dollar$$",
            "E'a\\\\b'::text",
            "NULL::character varying",
        ][..],
    )
    .prop_map(SqlExpr::new)
}

/// A condition over the column `c`, whatever its type.
fn condition() -> impl Strategy<Value = SqlExpr> {
    select(
        &[
            "((c)::text > '0'::text)",
            "((c)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
            "((c)::text = ANY (ARRAY['a'::text, 'b'::text]))",
            "((c IS NULL) OR (c IS NOT NULL))",
            "((c)::text ~ '^[a-z]+$'::text)",
            "(EXISTS ( SELECT 1\n   FROM pg_class o\n  WHERE (o.relname = (c)::text)))",
            "(c OPERATOR(public.@@@) 'x'::text)",
            "true",
            "(NOT ((c IS NULL) AND viewer))",
            "((c)::text = ( SELECT (auth.uid())::text AS uid))",
            "((to_jsonb(c) ->> 'when'::text) = 'using'::text)",
            "(length((c)::text) BETWEEN SYMMETRIC 1 AND 2)",
        ][..],
    )
    .prop_map(SqlExpr::new)
}

/// Whether values of the type are kept in ways that are chosen.
fn is_long(ty: &DataType) -> bool {
    ty.dims > 0 || specc_facts::type_info(&ty.name).is_some_and(|info| info.usual_storage() != "plain")
}

fn column() -> impl Strategy<Value = Column> {
    (column_type(), any::<bool>(), of(default()), of(condition()), any::<bool>(), comment(), 0..12u8).prop_map(
        |(ty, nullable, default, generated, is_virtual, comment, kind)| {
            let mut column = Column { nullable, comment, ..Column::new("c", ty) };
            match kind {
                0..4 => column.default = default,
                4 => {
                    column.virtual_generated = is_virtual && generated.is_some();
                    column.generated = generated.map(Box::new);
                }
                5 => {
                    (column.ty, column.nullable) = (DataType::builtin("bigint"), false);
                    let numbers = SequenceOptions { start: Some(5), cycle: true, ..SequenceOptions::default() };
                    let numbers = if is_virtual { numbers } else { SequenceOptions::default() };
                    column.identity = Some(Box::new((nullable, numbers)));
                }
                6 => column.collation = Some(Box::new(Qualified::new("pg_catalog", "C"))),
                7 if is_long(&column.ty) => column.storage = Some(Box::new("external".into())),
                8 if is_long(&column.ty) => column.compression = Some(Box::new("lz4".into())),
                9 => {
                    let (distinct, inherited) = (nullable.then_some(-0.25), is_virtual.then_some(1_000_000.0));
                    let statistics = ColumnStatistics { target: Some(500), distinct, inherited };
                    column.statistics = Some(Box::new(statistics));
                }
                _ => {}
            }
            column
        },
    )
}

fn columns() -> impl Strategy<Value = Vec<Column>> {
    let ordered = select(&["text", "varchar", "int", "uuid", "date", "inet"][..]).prop_map(DataType::builtin);
    (names(1), vec(column(), 6), column(), ordered).prop_map(|(names, columns, first, ty)| {
        let named = names.into_iter().zip(columns).map(|(name, column)| Column { name, ..column });
        // The one that conditions and keys read; one condition reads `viewer` as well.
        let ty = if first.identity.is_some() { first.ty.clone() } else { ty };
        let (storage, compression) = if is_long(&ty) { (first.storage, first.compression) } else { (None, None) };
        let first = Column { ty, generated: None, virtual_generated: false, storage, compression, ..first };
        let viewer = Column { nullable: true, ..Column::new("viewer", DataType::builtin("boolean")) };
        let all: Vec<Column> = [first].into_iter().chain(named.filter(|column| column.name != "viewer")).collect();
        all.into_iter().chain([viewer]).collect()
    })
}

fn catalog() -> impl Strategy<Value = Catalog> {
    let flags = (any::<[bool; 16]>(), select(&[Rls::Off, Rls::On, Rls::Forced][..]));
    let expressions = (vec(condition(), 4), default());
    let words = (names(3), vec(comment(), 6), select(&["public", "Odd Schema", "app"][..]));
    (columns(), flags, expressions, words).prop_map(
        |(columns, (flags, rls), (conditions, default), (names, comments, schema))| {
            let mut catalog = Catalog::new();
            let mut comments = comments.into_iter();
            let mut add = |object: Object| {
                let comment = comments.next().flatten().filter(|_| !matches!(object, Object::Grant(_)));
                let has_owner = matches!(
                    object,
                    Object::Schema(_) | Object::Table(_) | Object::Function(_) | Object::View(_) | Object::Enum(_)
                );
                let owner = comment.as_ref().filter(|_| has_owner).map(|_| "Odd Owner".into());
                catalog.insert(Entry { comment, owner, ..Entry::new(object) });
            };
            let table = TableName::new(schema, names[0].clone());
            if schema != "public" {
                add(Schema { name: schema.into() }.into());
            }
            let c = SmolStr::from("c");
            let numbers = SequenceOptions { increment: Some(-2), max: Some(-1), ..SequenceOptions::default() };
            add(Sequence { schema: "public".into(), name: "s".into(), ty: None, options: numbers, owned_by: None }
                .into());
            let options = flags[0].then(|| ("fillfactor".into(), "70".into())).into_iter().collect();
            let types: Vec<DataType> = columns.iter().map(|c| c.ty.clone()).collect();
            add(Table {
                table: table.clone(),
                columns,
                unlogged: flags[1],
                partition_by: None,
                partition_of: None,
                inherits: Vec::new(),
                rls,
                options,
                replica_identity: flags[2].then(|| "full".into()),
            }
            .into());
            let hold = |name: SmolStr, rule: Rule, flags: [bool; 3]| Constraint {
                table: table.clone(),
                name,
                rule,
                deferrable: flags[0] || flags[1],
                initially_deferred: flags[1],
                not_valid: flags[2],
            };
            let unique = Rule::Unique { columns: vec![c.clone()], include: Vec::new(), nulls_not_distinct: flags[3] };
            add(hold(names[1].clone(), unique, [flags[4], flags[5], false]).into());
            let check = Rule::Check { expr: conditions[0].clone(), no_inherit: flags[6] };
            add(hold("a check".into(), check, [false, false, flags[7]]).into());
            add(Constraint {
                rule: Rule::ForeignKey(ForeignKey {
                    columns: vec![c.clone()],
                    target: table.clone(),
                    target_columns: vec![c.clone()],
                    on_delete: if flags[8] { Action::Cascade } else { Action::NoAction },
                    on_delete_columns: Vec::new(),
                    on_update: Action::NoAction,
                    match_full: flags[9],
                }),
                ..hold(
                    names[2].clone(),
                    Rule::Check { expr: default, no_inherit: false },
                    [flags[10], false, flags[11]],
                )
            }
            .into());
            add(Index {
                table: table.clone(),
                name: "an index".into(),
                unique: flags[12] && !flags[13],
                method: if flags[13] { "brin".into() } else { "btree".into() },
                keys: vec![
                    IndexKey { desc: !flags[13] && flags[14], ..IndexKey::column(c.clone()) },
                    IndexKey { on: KeyOn::Expr(conditions[1].clone()), ..IndexKey::column("") },
                ],
                include: Vec::new(),
                filter: flags[15].then(|| conditions[2].clone()),
                options: Default::default(),
                nulls_not_distinct: false,
            }
            .into());
            add(Function {
                schema: schema.into(),
                name: names[0].clone(),
                procedure: false,
                params: types
                    .iter()
                    .enumerate()
                    .map(|(n, ty)| Param {
                        mode: if flags[n % 16] { "in" } else { "inout" }.into(),
                        name: if n == 0 { SmolStr::default() } else { format!("Param {n}").into() },
                        ty: ty.clone(),
                        default: None,
                    })
                    .collect(),
                returns: Some(Returns::SetOf(DataType::builtin("record"))),
                language: "plpgsql".into(),
                body: Body::Text("\nbegin\n  -- it's $$ and $body$\n  return;\nend".into()),
                volatility: Volatility::Stable,
                strict: flags[0],
                parallel: flags[1].then(|| "safe".into()),
                leakproof: flags[2],
                security_definer: flags[3],
                cost: flags[4].then(|| "10".into()),
                rows: flags[5].then(|| "7".into()),
                settings: if flags[6] {
                    vec![("TimeZone".into(), "Europe/Paris".into()), ("search_path".into(), "public, \"Odd\"".into())]
                } else {
                    Vec::new()
                },
            }
            .into());
            let note = Function {
                schema: "public".into(),
                name: "note".into(),
                procedure: false,
                params: Vec::new(),
                returns: Some(Returns::Type(DataType::builtin("trigger"))),
                language: "plpgsql".into(),
                body: Body::Text("begin return new; end".into()),
                volatility: Volatility::Volatile,
                strict: false,
                parallel: None,
                leakproof: false,
                security_definer: false,
                cost: None,
                rows: None,
                settings: Vec::new(),
            };
            add(note.into());
            add(Trigger {
                table: table.clone(),
                name: names[2].clone(),
                timing: if flags[8] { Timing::Before } else { Timing::After },
                events: vec![("insert".into(), Vec::new()), ("update".into(), vec![c.clone()])],
                per_row: flags[7],
                old_table: None,
                new_table: None,
                when: None,
                function: Qualified::new("public", "note"),
                args: if flags[9] { vec!["it's".into(), "2".into()] } else { Vec::new() },
                constraint: false,
                initially_deferred: false,
                enabled: if flags[10] { "always".into() } else { SmolStr::default() },
            }
            .into());
            for (n, command) in
                [Command::All, Command::Select, Command::Insert, Command::Update].into_iter().enumerate()
            {
                let insert = command == Command::Insert;
                add(Policy {
                    table: table.clone(),
                    name: format!("{} rule {n}", names[n % 3]).into(),
                    permissive: flags[n],
                    command,
                    roles: if flags[n + 4] { vec!["Odd Role".into(), "app".into()] } else { Vec::new() },
                    using: (!insert).then(|| conditions[n].clone()),
                    check: (insert || (flags[n + 8] && command != Command::Select)).then(|| conditions[3 - n].clone()),
                }
                .into());
            }
            let privilege = |name: &str, grantable| Privilege {
                name: name.into(),
                columns: Vec::new(),
                grantable: grantable && flags[0],
            };
            let some =
                vec![privilege("select", true), Privilege { columns: vec![c.clone()], ..privilege("update", false) }];
            for (to, privileges) in
                [("app", some.clone()), ("public", some), ("Odd Role", vec![privilege("delete", true)])]
            {
                add(Grant { on: table.id(), to: to.into(), privileges }.into());
            }
            catalog
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_catalog_comes_back(catalog in catalog()) {
        let options = Options::new("any", Target::Postgres);
        let pulled = pull(&catalog, &options);
        prop_assert!(pulled.problems.is_empty(), "{:#?}", pulled.problems);
        let said = lower(&pulled.files, &options.model());
        for (id, entry) in catalog.iter() {
            let block = pulled.blocks.iter().find(|block| block.object == *id && !block.comment);
            prop_assert!(block.is_none(), "{} is in a block: {:?}", id, block);
            let said = said.get(id);
            prop_assert!(said.is_some(), "{} is missing", id);
            if let Some(said) = said {
                prop_assert_eq!(specc_pull::difference(&entry.object, &said.object), None, "{}", id);
                let apart = pulled.blocks.iter().any(|block| block.object == *id && block.comment);
                prop_assert!(apart || entry.comment == said.comment, "the comment of {}", id);
            }
        }
    }
}
